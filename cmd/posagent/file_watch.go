package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"
)

// lookEvery is how often a running agent looks whether its configuration has
// changed. A change is taken at the second look that finds it, so that a file
// half-way through being written is not read.
const lookEvery = 10 * time.Second

// readEvery is at which look the files are read even if nothing about them seems to
// have changed: their times are a hint, and on a box whose clock jumps no more.
const readEvery = 6

// watchedBytes bounds what is read of each file; a real one has a few kilobytes.
const watchedBytes = 1 << 20

// fileWatch notices that a configuration or a file it names has changed. It goes by
// what stands in them.
type fileWatch struct {
	of     settings // as they were read last, good or bad
	seen   string   // what stood in the files then
	coming string   // another, seen once
	marks  string   // how the files looked from outside, at the last look
	looks  int      // since they were read
}

// watchFiles begins with what s was read from.
func watchFiles(s settings) fileWatch { return fileWatch{of: s, seen: fingerprint(s)} }

// read notes that s was just read, so that it is not read again.
func (w *fileWatch) read(s settings) { *w = watchFiles(s) }

// changed reports whether there is something new that has come to rest.
func (w *fileWatch) changed() bool {
	marks := marksOf(w.of)
	w.looks++
	if marks == w.marks && w.coming == w.seen && w.looks < readEvery {
		return false
	}
	w.marks, w.looks = marks, 0
	now := fingerprint(w.of)
	settled := now != w.seen && now == w.coming
	w.coming = now
	return settled
}

// fingerprint tells two states of a configuration's files apart. One that can't be
// read has a state, too.
func fingerprint(s settings) string {
	sum := sha256.New()
	for _, path := range watched(s) {
		_, _ = io.WriteString(sum, path+"\x00") // a hash takes everything
		if err := addFile(sum, path); err != nil {
			_, _ = io.WriteString(sum, err.Error())
		}
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// marksOf is what can be told of the files without reading them.
func marksOf(s settings) (marks string) {
	for _, path := range watched(s) {
		st, err := os.Stat(path)
		if err != nil {
			continue
		}
		marks += fmt.Sprintln(path, st.Size(), st.ModTime().UnixNano())
		if sys, ok := st.Sys().(*syscall.Stat_t); ok {
			marks += fmt.Sprintln(sys.Ino, sys.Ctim)
		}
	}
	return marks
}

// watched are a configuration's file and those that it names.
func watched(s settings) (paths []string) {
	for _, path := range append([]string{s.file, s.Antom.PrivateKeyFile, s.Antom.CAFile}, s.Antom.AntomPublicKeyFiles...) {
		if path != "" {
			paths = append(paths, path)
		}
	}
	return paths
}

// addFile adds what stands in an ordinary file; anything else might never end.
func addFile(to io.Writer, path string) error {
	st, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !st.Mode().IsRegular() {
		return errors.New("no ordinary file")
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	_, err = io.Copy(to, io.LimitReader(f, watchedBytes))
	return errors.Join(err, f.Close())
}
