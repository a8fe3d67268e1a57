package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"posagent/antom"
	"posagent/antom/sandbox"
	"posagent/config"
)

// examined is what the doctor says of a shop.
func (s *shop) examined(args ...string) (code int, list []finding) {
	s.t.Helper()
	code, out, errs := output(s.t, append([]string{"doctor", "-config", s.site.configFile(), "-json"}, args...)...)
	var says struct {
		Findings         []finding
		Faults, Warnings int
	}
	if err := json.Unmarshal([]byte(out), &says); err != nil {
		s.t.Fatalf("%v in %s%s", err, out, errs)
	}
	return code, says.Findings
}

// about are the findings of one check.
func about(list []finding, check string) []finding {
	var some []finding
	for _, f := range list {
		if f.Check == check {
			some = append(some, f)
		}
	}
	return some
}

// A shop in order has no faults, and the doctor beside the agent disturbs no sale.
func TestTheDoctorFindsNoFaultInAShopInOrderAndDisturbsNoSale(t *testing.T) {
	s := openShop(t, quick)
	s.serve()
	till := s.till()
	s.wantAgree(s.sell(till, "BEFORE", 500))
	examining := make(chan string)
	go func() {
		defer close(examining)
		for range 3 {
			code, out, _ := output(t, "doctor", "-config", s.site.configFile())
			examining <- fmt.Sprintf("exit %d\n%s", code, out)
		}
	}()
	for n := range 3 {
		s.wantAgree(s.sell(till, fmt.Sprintf("DURING%d", n), 1000))
		said := <-examining
		if strings.Contains(said, "\nfault") || strings.HasPrefix(said, "exit 1\n") {
			t.Errorf("faults in a shop in order:\n%s", said)
		}
		for _, want := range []string{"in use by posagent", "both sides have the right keys", "is whole", "answers at"} {
			if !strings.Contains(said, want) {
				t.Errorf("%q is missing:\n%s", want, said)
			}
		}
	}
	if n := strings.Count(s.log.String(), "port open"); n != 1 {
		t.Errorf("the port was opened %d times", n)
	}
}

// newKeyFile puts another key where path is.
func (s *shop) replaceKey(name string, public bool) {
	s.t.Helper()
	key, err := antom.GenerateKey()
	must(s.t, err)
	text, err := antom.EncodePrivateKey(key)
	must(s.t, err)
	if public {
		text = publicHalf(s.t, text)
	}
	must(s.t, os.WriteFile(filepath.Join(s.dir, name), text, 0o600))
}

// Faults that are made in earnest, each with what the doctor must say of it.
func TestTheDoctorTellsPlantedFaultsApart(t *testing.T) {
	for name, c := range map[string]struct {
		plant func(*shop)
		check string
		words []string
	}{
		"another key of ours": {func(s *shop) { s.replaceKey(siteOurKey, false) }, "keys with Antom",
			[]string{"does not know our key", "posagent keys show"}},
		"another key of Antom's": {func(s *shop) { s.replaceKey(siteAntomKey, true) }, "keys with Antom",
			[]string{"not by the key in antom_public_key_file", "posagent keys import"}},
		"another client": {func(s *shop) { rewrite(s.t, s.site.configFile(), "client_id = ", `client_id = "N950"`) }, "keys with Antom",
			[]string{"to another client", "correct client_id"}},
		"another cipher": {func(s *shop) { rewrite(s.t, s.site.configFile(), "cipher = ", `cipher = "gcm"`) }, "keys with Antom",
			[]string{"correct cipher"}},
		"another path": {func(s *shop) { s.rewriteURL("/openapi/v3") }, "keys with Antom", []string{"correct base_url"}},
		"nobody there": {func(s *shop) {
			rewrite(s.t, s.site.configFile(), "base_url = ", `base_url = "http://127.0.0.1:1/openapi/v2"`)
		}, "connection", []string{"nothing listens there"}},
		"no such name": {func(s *shop) {
			rewrite(s.t, s.site.configFile(), "base_url = ", `base_url = "http://gateway.invalid/openapi/v2"`)
		}, "name", []string{"gateway.invalid"}},
		"no port": {func(s *shop) { rewrite(s.t, s.site.configFile(), "port = ", `port = "/dev/pos/none"`) }, "port lane1",
			[]string{"/dev/pos/none is not there"}},
		"a file for a port": {func(s *shop) { rewrite(s.t, s.site.configFile(), "port = ", `port = "antom.pem"`) }, "port lane1",
			[]string{"is a file"}},
		"no folder for the store": {func(s *shop) { rewrite(s.t, s.site.configFile(), "path = ", `path = "none/posagent.db"`) }, "disk",
			[]string{"install -d"}},
		"a store that is none": {func(s *shop) {
			must(s.t, os.WriteFile(filepath.Join(s.dir, "posagent.db"), []byte(strings.Repeat("no database ", 1000)), 0o600))
		}, "store", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := openShop(t, quick)
			c.plant(s)
			code, list := s.examined()
			wantFinding(t, about(list, c.check), sevFault, c.words...)
			if code != exitFailed {
				t.Errorf("exit %d, want %d", code, exitFailed)
			}
		})
	}
}

func (s *shop) rewriteURL(path string) {
	u, err := url.Parse(s.site.cfg.Antom.BaseURL)
	must(s.t, err)
	u.Path = path
	rewrite(s.t, s.site.configFile(), "base_url = ", fmt.Sprintf("base_url = %q", u))
}

func TestTheDoctorSaysWhatCheckSaysAndGoesOn(t *testing.T) {
	s := openShop(t, quick)
	s.replaceKey(siteAntomKey, true)
	ours, err := os.ReadFile(filepath.Join(s.dir, siteOurKey))
	must(t, err)
	must(t, os.WriteFile(filepath.Join(s.dir, siteAntomKey), publicHalf(t, ours), 0o644)) // the two public keys swapped
	must(t, os.Chmod(filepath.Join(s.dir, siteOurKey), 0o644))
	code, list := s.examined()
	if code != exitConfig {
		t.Errorf("exit %d, want %d", code, exitConfig)
	}
	wantFinding(t, about(list, "config"), sevFault, "others may read it", "sudo chmod 600 "+filepath.Join(s.dir, siteOurKey))
	wantFinding(t, about(list, "key private.pem"), sevFault, "sudo chmod 600")
	wantFinding(t, about(list, "disk"), sevOK, "free")
	wantFinding(t, about(list, "connection"), sevOK, "answers")
	must(t, os.Chmod(filepath.Join(s.dir, siteOurKey), 0o600))
	_, list = s.examined()
	wantFinding(t, about(list, "config"), sevFault, "our own public key", "keys import")
	must(t, os.Remove(filepath.Join(s.dir, siteOurKey)))
	must(t, os.Remove(filepath.Join(s.dir, siteAntomKey)))
	_, list = s.examined()
	wantFinding(t, about(list, "config"), sevFault, siteOurKey+" is not there", "sudo posagent keys generate -config")
	wantFinding(t, about(list, "config"), sevFault, siteAntomKey+" is not there", "sudo posagent keys import -config")
	rewrite(t, s.site.configFile(), "cipher = ", `chiper = "ecb"`)
	_, list = s.examined()
	wantFinding(t, about(list, "config"), sevFault, "chiper", "cipher", "sudoedit")
}

// A technician without root sees what can be seen, and is told how to see the rest.
// That this user may not read our key is as it should be, and no fault.
func TestWithoutRootTheDoctorSaysWhatItCanNotSee(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can become somebody else")
	}
	s := openShop(t, quick)
	s.serve()
	s.sell(s.till(), "R1", 500)
	for dir := s.dir; dir != "/" && dir != os.TempDir(); dir = filepath.Dir(dir) {
		must(t, os.Chmod(dir, 0o755))
	}
	self, err := os.Open("/proc/self/exe")
	must(t, err)
	defer self.Close()
	cmd := exec.Command("/proc/self/fd/3", "doctor", "-config", s.site.configFile())
	cmd.Args[0], cmd.ExtraFiles, cmd.Dir = "posagent", []*os.File{self}, "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := cmd.CombinedOutput()
	said := string(out)
	if code := cmd.ProcessState.ExitCode(); code != exitDone && code != exitWarnings {
		t.Errorf("exit %d (%v)", code, err)
	}
	if strings.Contains(said, "\nfault") {
		t.Errorf("a fault that is none:\n%s", said)
	}
	for _, want := range []string{"private.pem can't be read as this user", "in use by", "posagent.db can't be read as this user", "run doctor as root"} {
		if !strings.Contains(said, want) {
			t.Errorf("%q is missing:\n%s", want, said)
		}
	}
}

func TestAPortThatAnotherProgramHoldsIsNamedWithIt(t *testing.T) {
	s := openShop(t, quick)
	tty, err := os.OpenFile(s.cable.Path(), os.O_RDWR, 0)
	must(t, err)
	defer tty.Close()
	holder := exec.Command("sleep", "60")
	holder.Stdin = tty
	must(t, holder.Start())
	t.Cleanup(func() { _ = holder.Process.Kill(); _ = holder.Wait() }) // it ends by the signal
	_, list := s.examined("-offline")
	wantFinding(t, about(list, "port lane1"), sevFault, fmt.Sprintf("sleep (pid %d)", holder.Process.Pid), fmt.Sprintf("sudo kill %d", holder.Process.Pid))
	for _, f := range list {
		if f.Check == "connection" || f.Check == "keys with Antom" {
			t.Errorf("offline, and yet: %+v", f)
		}
	}
}

// Over an open way the Date is anybody's, and the signed time is Antom's.
func TestAGatewayWithAWrongClockIsFoundOut(t *testing.T) {
	s := openShop(t, quick)
	ln, err := sandbox.Listen("127.0.0.1:0")
	must(t, err)
	o := s.site.sandboxOptions(nil)
	o.Now = func() time.Time { return time.Now().Add(-3 * time.Hour) }
	late, err := sandbox.New(o)
	must(t, err)
	s.background("the late stand-in", func(ctx context.Context) error { return late.Serve(ctx, ln) })
	rewrite(t, s.site.configFile(), "base_url = ", fmt.Sprintf(`base_url = "http://%s/openapi/v2"`, ln.Addr()))
	code, list := s.examined()
	wantFinding(t, about(list, "Antom's clock"), sevFault, "its signed time", "3h0m0s behind")
	if code != exitFailed {
		t.Errorf("exit %d", code)
	}
}

func TestAStoreInMemoryIsWarnedOf(t *testing.T) {
	dir, err := os.MkdirTemp("/dev/shm", "posagent-test-*")
	if err != nil {
		t.Skip("no tmpfs at /dev/shm: ", err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) }) // nothing but a store for tests
	s := openShop(t, quick)
	rewrite(t, s.site.configFile(), "path = ", fmt.Sprintf("path = %q", filepath.Join(dir, "posagent.db")))
	_, list := s.examined("-offline")
	if kind := (&patient{s: settings{Config: config.Config{Store: config.Store{Path: filepath.Join(dir, "x")}}}}).diskFacts().kind; kind != fsTmpfs {
		t.Skip("/dev/shm is on ", kind)
	}
	wantFinding(t, about(list, "disk"), sevWarning, "tmpfs", "forgotten")
	wantFinding(t, about(list, "sync"), sevWarning, "memory")
}

// The certificate is judged as the agent judges it, step by step on a real line.
func TestTheDoctorJudgesARealCertificate(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) }))
	t.Cleanup(server.Close)
	base, err := url.Parse(server.URL)
	must(t, err)
	p := &patient{now: time.Now}
	p.s.Antom.BaseURL = "https://" + net.JoinHostPort("127.0.0.1", base.Port()) + "/v2"
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	wantFinding(t, lookAtWay(ctx, p), sevFault, "ca_file")
	p.s.roots = server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	list := lookAtWay(ctx, p)
	wantFinding(t, about(list, "TLS"), sevOK, "TLS 1.3", "good until")
	wantFinding(t, about(list, "Antom's clock"), sevOK, "its Date")
	p.now = func() time.Time { return time.Now().AddDate(100, 0, 0) }
	wantFinding(t, lookAtWay(ctx, p), sevFault, "by this box's clock", "set-ntp")
	p.now = func() time.Time { return time.Unix(60, 0) } // judged as at the build
	wantFinding(t, about(lookAtWay(ctx, p), "TLS"), sevOK, "good until")
}

func TestTheDoctorTakesNoLongerThanItSays(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0") // takes connections, and never answers
	must(t, err)
	t.Cleanup(func() { _ = silent.Close() })
	s := openShop(t, quick)
	rewrite(t, s.site.configFile(), "base_url = ", fmt.Sprintf(`base_url = "http://%s/openapi/v2"`, silent.Addr()))
	began := time.Now()
	_, list := s.examined()
	if took := time.Since(began); took > doctorTime {
		t.Errorf("it took %v", took)
	}
	wantFinding(t, about(list, "keys with Antom"), sevFault, "no answer came in time")
}
