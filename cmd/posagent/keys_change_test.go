package main

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"posagent/antom"
	"posagent/antom/sandbox"
)

// openChanging is a shop whose Antom is about to change keys, both ours and its own.
func openChanging(t *testing.T) (s *shop, ours string, theirs string) {
	t.Helper()
	s = openShop(t, quick)
	var made keyShown
	if code, errs := askedJSON(t, &made, "keys", "generate", "-config", s.site.configFile()); code != exitDone {
		t.Fatal(errs)
	}
	key, err := antom.ReadPrivateKey(made.File)
	must(t, err)
	next, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	public, err := antom.EncodePublicKey(&next.PublicKey)
	must(t, err)
	theirs = filepath.Join(t.TempDir(), "shown-by-antom.pem")
	must(t, os.WriteFile(theirs, public, 0o600))
	ln, err := sandbox.Listen("127.0.0.1:0")
	must(t, err)
	o := s.site.sandboxOptions(nil)
	o.NextMerchantKey, o.NextAntomKey = key.Public(), next
	s.server, err = sandbox.New(o)
	must(t, err)
	server := s.server
	s.background("the changing stand-in", func(ctx context.Context) error { return server.Serve(ctx, ln) })
	u := url.URL{Scheme: "http", Host: ln.Addr().String(), Path: "/openapi/v2"}
	rewrite(t, s.site.configFile(), "base_url = ", fmt.Sprintf("base_url = %q", u.String()))
	return s, made.File, theirs
}

// Both rotations, step by step, with a sale after every step: the agent never stops,
// no sale fails, and each step is refused before its time.
func TestKeysAreChangedStepByStepWhileSalesGoOn(t *testing.T) {
	s, ours, shown := openChanging(t)
	config := s.site.configFile()
	agent := s.agentProcess()
	till := s.till()
	n := 0
	sell := func(after string) {
		t.Helper()
		n++
		if told := s.sell(till, fmt.Sprintf("R%d", n), 1000); told.PaymentStatus != "SUCCESS" {
			t.Errorf("after %s: told %+v", after, told)
		}
	}
	step := func(want int, args ...string) (out changed) {
		t.Helper()
		code, errs := askedJSON(t, &out, append([]string{"keys"}, args...)...)
		if code != want {
			t.Errorf("%v: exit %d, want %d: %s%+v", args, code, want, errs, out)
		}
		if out.Written {
			s.reload(agent)
		}
		return out
	}
	sell("nothing")

	step(exitDone, "verify", "-config", config)
	step(exitFailed, "switch", "-config", config, "-to", ours, "-key-version", "3", "-write") // Antom knows no such version
	old := read(t, config)
	if out := step(exitDone, "switch", "-config", config, "-to", ours, "-key-version", "2"); out.Written || read(t, config) != old || len(out.Lines) != 2 {
		t.Errorf("without -write: %+v", out)
	}
	out := step(exitDone, "switch", "-config", config, "-to", ours, "-key-version", "2", "-write")
	if read(t, out.Kept) != old {
		t.Errorf("the old text is not in %s", out.Kept)
	}
	sell("the switch")
	step(exitDone, "switch", "-config", config, "-to", filepath.Join(s.dir, siteOurKey), "-key-version", "1", "-write")
	sell("the way back")
	step(exitDone, "switch", "-config", config, "-to", ours, "-key-version", "2", "-write")

	var got imported
	if code, errs := askedJSON(t, &got, "keys", "import", "-config", config, shown); code != exitDone {
		t.Fatal(errs)
	}
	first := filepath.Join(s.dir, siteAntomKey)
	step(exitFailed, "believe", "-config", config, got.File, "-write") // Antom signs with the old one yet
	step(exitDone, "believe", "-config", config, "-write", first, got.File)
	sell("believing both")
	s.server.ChangeOver()
	sell("Antom's change")
	step(exitDone, "believe", "-config", config, "-write", got.File, first)
	step(exitDone, "believe", "-config", config, "-write", got.File)
	sell("dropping the old one")
	step(exitFailed, "believe", "-config", config, "-write", first)
	must(t, agent.stop())
	if len(s.server.Ledger()) != n {
		t.Errorf("%d charges for %d sales", len(s.server.Ledger()), n)
	}
	if loaded, err := loadSettings(config); err != nil || loaded.Antom.KeyVersion != 2 || len(loaded.antomKeys) != 1 {
		t.Errorf("at the end: %+v, %v", loaded.Antom, err)
	}
}

// reload has the agent take up what was changed, and waits until it says so.
func (s *shop) reload(agent *child) {
	s.t.Helper()
	log := filepath.Join(s.dir, "agent.log")
	before := strings.Count(read(s.t, log), "the configuration is taken")
	must(s.t, agent.cmd.Process.Signal(syscall.SIGHUP))
	for range 500 {
		if strings.Count(read(s.t, log), "the configuration is taken") > before {
			return
		}
		<-time.After(20 * time.Millisecond)
	}
	s.t.Fatal("the change was never taken up")
}
