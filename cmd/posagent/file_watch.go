package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"time"
)

// lookEvery is how often a running agent looks whether its configuration has
// changed. A change is taken at the second look that finds it, so that a file
// half-way through being written is not read.
const lookEvery = 5 * time.Second

// watchedBytes bounds what is read of each file; a real one has a few kilobytes.
const watchedBytes = 1 << 20

// fileWatch notices that a configuration or a file it names has changed. It goes by
// what stands in them: the times of files are not to be trusted on such a box.
type fileWatch struct {
	of     settings // as they were read last, good or bad
	seen   string   // what stood in the files then
	coming string   // another, seen once
}

// watchFiles begins with what s was read from.
func watchFiles(s settings) fileWatch { return fileWatch{of: s, seen: fingerprint(s)} }

// read notes that s was just read, so that it is not read again.
func (w *fileWatch) read(s settings) { *w = watchFiles(s) }

// changed reports whether there is something new that has come to rest.
func (w *fileWatch) changed() bool {
	now := fingerprint(w.of)
	settled := now != w.seen && now == w.coming
	w.coming = now
	return settled
}

// fingerprint tells two states of a configuration's files apart. One that can't be
// read has a state, too.
func fingerprint(s settings) string {
	sum := sha256.New()
	for _, path := range append([]string{s.file, s.Antom.PrivateKeyFile, s.Antom.CAFile}, s.Antom.AntomPublicKeyFiles...) {
		if path == "" {
			continue
		}
		_, _ = io.WriteString(sum, path+"\x00") // a hash takes everything
		if err := addFile(sum, path); err != nil {
			_, _ = io.WriteString(sum, err.Error())
		}
	}
	return hex.EncodeToString(sum.Sum(nil))
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
