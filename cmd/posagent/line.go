package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"posagent/device/virtual"
)

// The ends of the line that the sandbox lays, as names in its folder.
const (
	agentEnd    = sitePortOfLine
	registerEnd = "till0"
)

// line is a serial cable between two programs: two pseudo terminals, joined, with
// names in a folder. The agent opens one end and a register the other.
type line struct {
	a, b  *virtual.Cable
	names []string
	copy  sync.WaitGroup
}

// layLine lays a line in dir until it is closed.
func layLine(dir string) (*line, error) {
	a, err := virtual.NewCable()
	if err != nil {
		return nil, err
	}
	b, err := virtual.NewCable()
	if err != nil {
		return nil, errors.Join(err, a.Close())
	}
	l := &line{a: a, b: b}
	for name, c := range map[string]*virtual.Cable{agentEnd: a, registerEnd: b} {
		path := filepath.Join(dir, name)
		if err := relink(c.Path(), path); err != nil {
			return nil, errors.Join(err, l.close())
		}
		l.names = append(l.names, path)
	}
	return l, nil
}

// serve carries the bytes until ctx ends.
func (l *line) serve(ctx context.Context) error {
	l.copy.Go(func() { _, _ = io.Copy(l.a, l.b) }) // ends with an error, by close: that is its way
	l.copy.Go(func() { _, _ = io.Copy(l.b, l.a) })
	<-ctx.Done()
	return l.close()
}

func (l *line) close() error {
	err := errors.Join(l.a.Close(), l.b.Close())
	l.copy.Wait()
	for _, name := range l.names {
		err = errors.Join(err, os.Remove(name))
	}
	return err
}

// relink points name at target. A name left over from an earlier line is taken;
// anything else is left alone.
func relink(target, name string) error {
	st, err := os.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	case st.Mode().Type() != fs.ModeSymlink:
		return fmt.Errorf("%s is there already and is left alone; choose another folder, or move it away", name)
	default:
		if err := os.Remove(name); err != nil {
			return err
		}
	}
	return os.Symlink(target, name)
}
