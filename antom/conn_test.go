package antom

import (
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
)

// deaf is a connection whose writes all fail after n bytes.
type deaf struct {
	net.Conn
	n int
}

func (d deaf) Write([]byte) (int, error) { return d.n, syscall.EPIPE }
func (d deaf) Close() error              { return nil }

func TestARequestWithoutAConnectionWasNotSent(t *testing.T) {
	var d departure
	if d.giveUp() {
		t.Error("sent")
	}
}

func TestAWriteThatMovedNoByteWasNotSent(t *testing.T) {
	for n, want := range map[int]bool{0: false, 1: true} {
		g := &gate{Conn: deaf{n: n}}
		var d departure
		d.board(g)
		if _, err := g.Write([]byte("POST")); !errors.Is(err, syscall.EPIPE) {
			t.Fatal(err)
		}
		if got := d.giveUp(); got != want {
			t.Errorf("%d bytes: sent %v, want %v", n, got, want)
		}
	}
}

func TestNothingLeavesAfterItWasSaidThatNothingLeft(t *testing.T) {
	near, far := net.Pipe()
	g := &gate{Conn: near}
	var d departure
	d.board(g)
	if d.giveUp() {
		t.Fatal("sent before any write")
	}
	if n, err := g.Write([]byte("POST")); n != 0 || !errors.Is(err, net.ErrClosed) {
		t.Errorf("a late write: %d, %v", n, err)
	}
	if got, err := io.ReadAll(far); len(got) != 0 || err != nil {
		t.Errorf("the other side read %q, %v", got, err)
	}
}

func TestWhatWasWrittenBeforeDoesNotCount(t *testing.T) {
	near, far := net.Pipe()
	go func() { _, _ = io.Copy(io.Discard, far) }()
	g := &gate{Conn: near}
	if _, err := g.Write([]byte("an earlier request")); err != nil {
		t.Fatal(err)
	}
	var d departure
	d.board(g)
	if d.giveUp() {
		t.Error("the earlier request counts")
	}
}

func TestAConnectionThatCannotBeWatchedMayHaveSent(t *testing.T) {
	near, _ := net.Pipe()
	var d departure
	d.board(near)
	if !d.giveUp() {
		t.Error("not sent")
	}
}
