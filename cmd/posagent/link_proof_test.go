package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"posagent/antom/sandbox"
	"posagent/device"
	"posagent/device/virtual"
)

// movable lets the agent's port be a name that can be moved to another cable.
func (s *shop) movable() {
	s.t.Helper()
	name := filepath.Join(s.dir, "port")
	must(s.t, relink(s.cable.Path(), name))
	rewrite(s.t, s.site.configFile(), "port = ", fmt.Sprintf("port = %q", name))
}

// replug lays a new cable where the last one was pulled out.
func (s *shop) replug() {
	s.t.Helper()
	must(s.t, s.cable.Close())
	var err error
	s.cable, err = virtual.NewCable()
	must(s.t, err)
	must(s.t, relink(s.cable.Path(), filepath.Join(s.dir, "port")))
}

// pulledAt runs a till on the shop's cable and pulls the cable when something is
// seen on it for the first time. It returns how the sale ended.
func (s *shop) pulledAt(id string, moment func(device.Sighting) bool) error {
	s.t.Helper()
	ways := map[string]*device.Watch{device.FromRegister: {}, device.FromAgent: {}}
	pull := make(chan struct{})
	once := sync.OnceFunc(func() { close(pull) })
	plug, err := s.cable.Plug()
	must(s.t, err)
	reg := virtual.New(plug, virtual.Options{Name: "lane1", Events: true, Trace: func(way string, b []byte) {
		for _, seen := range ways[way].See(time.Now(), way, b) {
			if moment(seen) {
				once()
			}
		}
	}})
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- reg.Run(ctx) }()
	go func() {
		select {
		case <-pull:
			_ = s.cable.Close() // replug closes it once more
		case <-ctx.Done():
		}
	}()
	book, err := virtual.OpenNotebook(filepath.Join(s.dir, "till.notebook"))
	must(s.t, err)
	till := virtual.NewTill(reg, book, virtual.TillOptions{Pause: 50 * time.Millisecond, Quiet: 500 * time.Millisecond})
	_, sellErr := till.Sell(ctx, virtual.Sale{ID: id, Method: "ALIPAY_CN", AmountMinor: 1050, Currency: "SGD"})
	select {
	case <-pull:
	default:
		s.t.Errorf("the moment never came: %v", sellErr)
	}
	cancel()
	<-ended
	must(s.t, book.Close())
	return sellErr
}

// The cable is pulled at every step of a sale, and another one plugged in. The
// sale ends as the ledger says, once, and the agent goes silent about it.
func TestAHangUpInAnyPhaseOfASaleLosesNothing(t *testing.T) {
	is := func(way, name string) func(device.Sighting) bool {
		return func(s device.Sighting) bool { return s.Way == way && s.Name() == name }
	}
	for _, c := range []struct {
		name   string
		moment func(device.Sighting) bool
	}{
		{"initConnection is sent", is("R>A", "request initConnection")},
		{"initConnection is answered", is("A>R", "response to 00 initConnection")},
		{"pay is sent", is("R>A", "request pay")},
		{"pay is acknowledged", is("A>R", "ACK of 01")},
		{"pay is answered", is("A>R", "response to 01 pay")},
		{"the outcome is told", is("A>R", "event payment")},
		{"the outcome is acknowledged", ackAfter("event payment")},
		{"delivered is sent", is("R>A", "request delivered")},
		{"delivered is acknowledged", is("A>R", "ACK of 02")},
		{"delivered is answered", is("A>R", "response to 02 delivered")},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := openShop(t, quick)
			s.movable()
			s.serve()
			if err := s.pulledAt("R1", c.moment); err != nil && !errors.Is(err, virtual.ErrHangUp) {
				t.Errorf("the first till: %v", err)
			}
			s.replug()
			till := s.till()
			s.wantAgree(s.sell(till, "R1", 1050))
			s.wantAgree(s.sell(till, "R2", 700))
			if c := s.charges("R1"); len(c) != 1 {
				t.Errorf("the ledger has %+v", c)
			}
		})
	}
}

// ackAfter is the moment of the register's first ACK after something was seen.
func ackAfter(name string) func(device.Sighting) bool {
	seen := false
	return func(s device.Sighting) bool {
		seen = seen || s.Name() == name
		return seen && s.Way == device.FromRegister && s.Kind == device.SightAck
	}
}

// One byte in 333 is changed, lost or doubled, in both directions. Time-outs are
// stretched by that, and no wrong word is said. Sales go on until both were damaged:
// what a register says is short.
func TestSalesGoThroughOnABadLine(t *testing.T) {
	const sales, most = 3, 30
	damage := virtual.Damage{Flip: 0.001, Drop: 0.001, Double: 0.001, Split: 0.01, Merge: 0.1}
	for seed := range uint64(2) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			s := openShop(t, quick)
			s.serve()
			plug, err := s.cable.Plug()
			must(t, err)
			bad := virtual.NewBadLine(plug, seed, damage, damage)
			reg := virtual.New(bad, virtual.Options{Name: "lane1", Events: true, MaxBody: 512, Timers: virtual.Timers{T2: 500 * time.Millisecond}})
			s.background("the register", func(ctx context.Context) error {
				if err := reg.Run(ctx); ctx.Err() == nil {
					return err
				}
				return nil
			})
			book, err := virtual.OpenNotebook(filepath.Join(s.dir, "till.notebook"))
			must(t, err)
			t.Cleanup(func() { _ = book.Close() }) // synced at every line
			till := virtual.NewTill(reg, book, virtual.TillOptions{Pause: 50 * time.Millisecond, Quiet: 2 * time.Second})
			n, out, in := 0, virtual.Harm{}, virtual.Harm{}
			for harmed := false; n < sales || !harmed && n < most; n++ {
				id := fmt.Sprintf("R%d", n)
				switch n % 3 {
				case 1:
					s.arm(sandbox.Plan{Name: "hang_after", ID: id})
				case 2:
					s.arm(sandbox.Plan{Name: "decline", ID: id})
				}
				s.wantAgree(s.sell(till, id, 1000+int64(n)))
				out, in = bad.Harm()
				harmed = out.Flipped+out.Dropped+out.Doubled > 0 && in.Flipped+in.Dropped+in.Doubled > 0
				if n == most-1 && !harmed {
					t.Errorf("nothing was damaged: %+v, %+v", out, in)
				}
			}
			if got, want := len(s.server.Ledger()), n-n/3; got != want {
				t.Errorf("%d charges, want %d", got, want)
			}
			t.Logf("to the agent %+v; to the register %+v; %+v", out, in, reg.Counts())
		})
	}
}

// lane adds a register to the shop's configuration.
func (s *shop) lane(name, port string) {
	s.t.Helper()
	file, err := os.OpenFile(s.site.configFile(), os.O_APPEND|os.O_WRONLY, 0)
	must(s.t, err)
	_, err = fmt.Fprintf(file, "\n[[register]]\nname = %q\nport = %q\n", name, port)
	must(s.t, errors.Join(err, file.Close()))
}

// One register floods and reads nothing, one was never plugged in, one hangs up
// all the time. The fourth sells as if it were alone.
func TestOneRegisterDoesNotDelayAnother(t *testing.T) {
	s := openShop(t, quick)
	flooding, err := virtual.NewCable()
	must(t, err)
	s.lane("lane2", flooding.Path())
	s.lane("lane3", filepath.Join(s.dir, "absent"))
	s.lane("lane4", filepath.Join(s.dir, "flapping"))
	s.serve()
	till := s.till()
	s.sell(till, "WARM", 500)
	var noise sync.WaitGroup
	noise.Go(func() { _, _ = io.Copy(flooding, endless{}) }) // ends with the cable
	ctx, stop := context.WithCancel(context.Background())
	noise.Go(func() { s.flap(ctx) })
	for n := range 20 {
		id := fmt.Sprintf("R%d", n)
		began := time.Now()
		s.wantAgree(s.sell(till, id, 1000+int64(n)))
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("sale %s took %v", id, took)
		}
	}
	stop()
	must(t, flooding.Close())
	noise.Wait()
}

// endless reads as requests without end, with garbage between them.
type endless struct{}

func (endless) Read(b []byte) (int, error) {
	return copy(b, bytes.Repeat([]byte("\x0210100029{\"method\":\"echo\",\"text\":\"hi\"}84688084\x03noise\x02\x02"), 1+len(b)/60)), nil
}

// flap plugs a cable in and pulls it out again until ctx ends.
func (s *shop) flap(ctx context.Context) {
	for ctx.Err() == nil {
		c, err := virtual.NewCable()
		if err == nil {
			err = relink(c.Path(), filepath.Join(s.dir, "flapping"))
		}
		if err != nil {
			s.t.Errorf("flapping: %v", err)
			return
		}
		<-time.After(30 * time.Millisecond)
		_ = c.Close() // that is what it is for
	}
}
