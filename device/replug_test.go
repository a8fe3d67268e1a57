package device

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// adapter plugs a bridge with a pseudo terminal behind it into a tree and
// returns the register at its far end.
func (tr tree) adapter(a served, usb, tty string) (*till, *os.File) {
	tr.t.Helper()
	far, path := openPair(tr.t)
	if err := os.Symlink(path, filepath.Join(tr.root, "dev", tty)); err != nil {
		tr.t.Fatal(err)
	}
	tr.plug(usb, "0403:6001", "A1B2C3")
	tr.bridge(usb, "0", tty)
	a.await(tr.t, "the port to open", func(r Reading) bool { return r.PortOpen })
	register, heard := newTill(tr.t, far)
	tr.t.Cleanup(func() { _ = far.Close(); heard.Wait() }) // closed already where the test pulled it
	return register, far
}

// The adapter comes back on another USB path and as another tty, while its old
// name is given to somebody else.
func TestAdapterReplugedAsAnotherTTYIsBackWithinTwoSecondsAndTellsAgain(t *testing.T) {
	tr := newTree(t)
	a := serveWith(t, func(o *Options) { o.Root, o.Port = tr.root, "usb:0403:6001:A1B2C3" })
	a.awaitLog(t, "plug the adapter in")
	register, far := tr.adapter(a, "1-3", "ttyUSB0")
	register.opens("")
	register.pays("R1")
	tr.unplug("1-3", "ttyUSB0")
	if err := far.Close(); err != nil {
		t.Fatal(err)
	}
	a.await(t, "the hang-up to be seen", func(r Reading) bool { return !r.PortOpen })
	tr.plug("1-8", "0403:6001", "OTHER")
	tr.bridge("1-8", "0", "ttyUSB0")
	a.awaitLog(t, "OTHER")
	plugged := time.Now()
	register, _ = tr.adapter(a, "1-9", "ttyUSB1")
	if took := time.Since(plugged); took > 2*time.Second {
		t.Errorf("back after %v", took)
	}
	register.asks(`{"method":"echo","text":"hi"}`)
	m := register.hears(2 * time.Second)
	if m == nil || m.body["paymentRequestId"] != "R1" || m.body["final"] != false {
		t.Errorf("heard %+v, want the open payment's state", m)
	}
	if !strings.Contains(a.log.String(), "ttyUSB1") {
		t.Errorf("the log does not say which device it is:\n%s", a.log)
	}
}

// An outcome that came while the cable was out is told when it is back.
func TestOutcomeLearntWhileUnpluggedIsToldAfterTheReplug(t *testing.T) {
	a := serve(t, fastLine())
	register, far := a.plugIn(t)
	register.opens("")
	register.pays("R1")
	if err := far.Close(); err != nil {
		t.Fatal(err)
	}
	a.await(t, "the hang-up to be seen", func(r Reading) bool { return !r.PortOpen })
	a.engine.becomes(paidState("R1", 2))
	register, _ = a.plugIn(t)
	welcome := register.opens("")
	if list, _ := welcome["undelivered"].([]any); len(list) != 1 || list[0] != "R1" {
		t.Errorf("the welcome names %v", welcome["undelivered"])
	}
	if m := register.hears(2 * time.Second); m == nil || m.body["paymentStatus"] != PaymentSuccess {
		t.Errorf("heard %+v, want the outcome", m)
	}
}
