package sandbox_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"posagent/antom/sandbox"
)

func TestListenRefusesWhatOthersCanReach(t *testing.T) {
	for _, addr := range []string{":0", "0.0.0.0:0", "[::]:0", "192.0.2.1:0", "10.0.0.9:8344", "example.com:80", "127.0.0.1", ""} {
		ln, err := sandbox.Listen(addr)
		if err == nil {
			_ = ln.Close()
			t.Errorf("%q was taken", addr)
		} else if !strings.Contains(err.Error(), "127.0.0.1") {
			t.Errorf("%q: got %v, which does not say what to give", addr, err)
		}
	}
	for _, addr := range []string{"127.0.0.1:0", "127.9.9.9:0", "localhost:0"} {
		ln, err := sandbox.Listen(addr)
		if err != nil {
			t.Errorf("%q: %v", addr, err)
			continue
		}
		_ = ln.Close()
	}
}

func TestServeRefusesAListenerBeyondLoopback(t *testing.T) {
	srv, err := sandbox.New(defaults(&clock{}))
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := srv.Serve(t.Context(), ln); err == nil || !strings.Contains(err.Error(), "loopback only") {
		t.Errorf("got %v", err)
	}
	if _, err := ln.Accept(); err == nil {
		t.Error("the listener was left open")
	}
}

func TestHandlerRefusesOtherMachines(t *testing.T) {
	srv, err := sandbox.New(defaults(&clock{}))
	if err != nil {
		t.Fatal(err)
	}
	for from, want := range map[string]int{"192.0.2.1:1234": 403, "[2001:db8::1]:1": 403, "127.0.0.1:1234": 200, "[::1]:1": 200, "pipe": 200} {
		r := httptest.NewRequest("GET", "/sandbox/ledger", http.NoBody)
		r.RemoteAddr = from
		w := httptest.NewRecorder()
		srv.Handler().ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("%s: got %d, want %d", from, w.Code, want)
		}
	}
}

func TestShutdownEndsHangingRequestsWithinASecond(t *testing.T) {
	g := newRig(t, nil)
	var wait sync.WaitGroup
	ids := []string{"R1", "R2", "R3", "R4", "R5"}
	for _, id := range ids {
		wait.Go(func() {
			if r := g.pay(id, 1063); r.err == nil {
				t.Errorf("%s: got an answer: %s", id, r.clear)
			}
		})
	}
	for _, id := range ids {
		g.await(func(e sandbox.Event) bool { return e.ID == id && e.Stage == sandbox.StageHangs && e.Acted })
	}
	began := time.Now()
	if err := g.stop(); err != nil {
		t.Error(err)
	}
	wait.Wait()
	if took := time.Since(began); took > time.Second {
		t.Errorf("took %s", took)
	}
	if got := len(g.srv.Ledger()); got != len(ids) {
		t.Errorf("got %d charges, want %d", got, len(ids))
	}
}

func TestShutdownDoesNotWaitForSilentConnections(t *testing.T) {
	g := newRig(t, nil)
	conn, err := net.Dial("tcp", strings.TrimPrefix(g.host, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	wantTrue(t, g.pay("R1", 1000), "S SUCCESS")
	began := time.Now()
	if err := g.stop(); err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("took %s", took)
	}
	if err := conn.SetReadDeadline(time.Now().Add(2 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Read(make([]byte, 1)); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("the connection was left open")
	}
}

func TestAwaitEndsWithItsContext(t *testing.T) {
	g := newRig(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := g.srv.Await(ctx, func(sandbox.Event) bool { return false }); err == nil {
		t.Error("got an event that does not exist")
	}
}

func TestOptionsAreChecked(t *testing.T) {
	short, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	for sentence, change := range map[string]func(*sandbox.Options){
		"are needed":         func(o *sandbox.Options) { o.MerchantKey = nil },
		"2048-bit":           func(o *sandbox.Options) { o.MerchantKey = &short.PublicKey },
		"1024 bits":          func(o *sandbox.Options) { o.AntomKey = short },
		"same pair":          func(o *sandbox.Options) { o.MerchantKey = &o.AntomKey.PublicKey },
		"ClientID":           func(o *sandbox.Options) { o.ClientID = "" },
		"rsa_aes or off":     func(o *sandbox.Options) { o.Encryption = "none" },
		"ecb, cbc or gcm":    func(o *sandbox.Options) { o.Cipher = "ctr" },
		"per mille":          func(o *sandbox.Options) { o.Mix = &sandbox.Mix{PerMille: 1001} },
		`cruelty "kindness"`: func(o *sandbox.Options) { o.Mix = &sandbox.Mix{Names: []string{"kindness"}} },
	} {
		o := defaults(&clock{})
		change(&o)
		if _, err := sandbox.New(o); err == nil || !strings.Contains(err.Error(), sentence) {
			t.Errorf("got %v, want %q", err, sentence)
		}
	}
}

// lines is a log that tests can read while it is written.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func TestLogHasAReadableLineARequestAndNoSecret(t *testing.T) {
	log := &lines{}
	g := newRig(t, func(o *sandbox.Options) {
		o.Logger = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	paid := g.pay("R1", 1050)
	g.payAndLeave("R2", 1063)
	g.ask("pay", `{}`)
	if err := g.stop(); err != nil {
		t.Fatal(err)
	}
	got := log.String()
	for _, want := range []string{`msg="pay R1 1050 SGD: S SUCCESS"`, `msg="pay R2 1063 SGD hangs" cruelty=hang_after`,
		`msg="pay R2 1063 SGD: caller gone"`, `msg="pay: F PARAM_ILLEGAL"`, `because="paymentRequestId is required"`} {
		if !strings.Contains(got, want) {
			t.Errorf("the log lacks %s:\n%s", want, got)
		}
	}
	for _, secret := range []string{field(paid.header.Get("Signature"), "signature")[:40], string(unwrap(t, paid)), "cashierReceipt"} {
		if strings.Contains(got, secret) {
			t.Errorf("the log has %s", secret)
		}
	}
}

func TestTableInTheDocumentationIsTheBook(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	type row struct{ ending, name, sentence string }
	documented := map[string]row{}
	for line := range strings.Lines(string(doc)) {
		text, isTable := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "//\t")
		cells := strings.Fields(text)
		if !isTable || len(cells) < 3 || cells[0] == "ending" {
			continue
		}
		documented[cells[1]] = row{cells[0], cells[1], strings.Join(cells[2:], " ")}
	}
	g := newRig(t, nil)
	endings := map[int]string{}
	for _, c := range g.cruelties().Book {
		want := row{"-", c.Name, c.Sentence}
		if c.Ending != 0 {
			want.ending = ".." + string(rune('0'+c.Ending/10)) + string(rune('0'+c.Ending%10))
			if c.Ending < 61 || c.Ending > 98 || c.Ending%5 == 0 || endings[c.Ending] != "" {
				t.Errorf("%s has the ending %d: too common, or that of %q", c.Name, c.Ending, endings[c.Ending])
			}
			endings[c.Ending] = c.Name
		}
		if got := documented[c.Name]; got != want {
			t.Errorf("documented %+v\nthe book says %+v", got, want)
		}
		delete(documented, c.Name)
	}
	if len(documented) != 0 {
		t.Errorf("documented, but not in the book: %v", documented)
	}
}
