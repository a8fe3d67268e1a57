package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// hello answers one path.
func hello(mux *http.ServeMux, onSocket bool) {
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, "hello") })
	if onSocket {
		mux.HandleFunc("POST /status", func(w http.ResponseWriter, r *http.Request) {
			_, err := io.Copy(io.Discard, r.Body)
			var tooLong *http.MaxBytesError
			if errors.As(err, &tooLong) {
				writeJSON(w, http.StatusRequestEntityTooLarge, "too long")
			}
		})
	}
}

// openHello serves hello on listen for the length of a test.
func openHello(t *testing.T, listen string) *statusServer {
	t.Helper()
	s, err := openStatusServer(t.Context(), listen, hello, slog.New(slog.DiscardHandler))
	must(t, err)
	t.Cleanup(s.close)
	return s
}

// ask asks a status server for a word.
func ask(t *testing.T, listen string) (word string, err error) {
	t.Helper()
	err = newStatusClient(listen, 10*time.Second).get(t.Context(), "/status", &word)
	return word, err
}

func TestTheStatusSocketIsForTheAgentsGroupAlone(t *testing.T) {
	for _, mask := range []int{0, 0o022, 0o077} {
		path := filepath.Join(t.TempDir(), "s.sock")
		was := syscall.Umask(mask)
		openHello(t, "unix:"+path)
		syscall.Umask(was)
		found, err := os.Stat(path)
		must(t, err)
		if got := found.Mode().Perm(); got != 0o660 {
			t.Errorf("umask %o: the socket has mode %o, want 660", mask, got)
		}
		if word, err := ask(t, "unix:"+path); word != "hello" || err != nil {
			t.Errorf("umask %o: answered %q, %v", mask, word, err)
		}
	}
}

func TestASocketLeftBehindIsReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.sock")
	ln, err := net.Listen("unix", path)
	must(t, err)
	ln.(*net.UnixListener).SetUnlinkOnClose(false)
	must(t, ln.Close())
	openHello(t, "unix:"+path)
	if word, err := ask(t, "unix:"+path); word != "hello" || err != nil {
		t.Errorf("answered %q, %v", word, err)
	}
}

// Whatever else is in the socket's place is left as it is, and said with what to do.
func TestNothingButADeadSocketIsReplaced(t *testing.T) {
	dir := t.TempDir()
	file, link, busy := filepath.Join(dir, "file"), filepath.Join(dir, "link"), filepath.Join(dir, "busy")
	must(t, os.WriteFile(file, []byte("precious"), 0o600))
	must(t, os.Symlink(file, link))
	openHello(t, "unix:"+busy)
	for path, want := range map[string]string{
		file: "is no socket", link: "is no socket",
		busy:                               fmt.Sprintf("in use by another program (pid %d)", os.Getpid()),
		filepath.Join(dir, "none", "sock"): "mkdir -p " + filepath.Join(dir, "none"),
	} {
		_, err := listenStatus(t.Context(), "unix:"+path)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want it to say %q", path, err, want)
		}
	}
	if text, err := os.ReadFile(file); string(text) != "precious" || err != nil {
		t.Errorf("the file holds %q, %v", text, err)
	}
	if word, err := ask(t, "unix:"+busy); word != "hello" || err != nil {
		t.Errorf("the socket in use answered %q, %v afterwards", word, err)
	}
}

// A link put in the socket's place gets no mode, nor does what it points to.
func TestASocketReplacedByALinkOpensNothing(t *testing.T) {
	dir := t.TempDir()
	secret, link := filepath.Join(dir, "secret"), filepath.Join(dir, "link")
	must(t, os.WriteFile(secret, nil, 0o600))
	must(t, os.Symlink(secret, link))
	if err := openToGroup(link); err == nil {
		t.Error("a link was taken for the socket")
	}
	if found, err := os.Stat(secret); err != nil || found.Mode().Perm() != 0o600 {
		t.Errorf("what the link points to has mode %v, %v", found.Mode(), err)
	}
}

func TestOnlyThisMachineMayAskOverTCP(t *testing.T) {
	if _, err := listenStatus(t.Context(), "0.0.0.0:0"); err == nil || !strings.Contains(err.Error(), "127.0.0.1") {
		t.Errorf("listening to the network: %v", err)
	}
	s := openHello(t, "127.0.0.1:0")
	address := s.ln.Addr().String()
	if word, err := ask(t, address); word != "hello" || err != nil {
		t.Errorf("answered %q, %v", word, err)
	}
	req, err := http.NewRequest(http.MethodGet, "http://"+address+"/status", nil)
	must(t, err)
	req.Host = "evil.example:80" // a name that a page's owner made point here
	resp, err := http.DefaultClient.Do(req)
	must(t, err)
	must(t, resp.Body.Close())
	if resp.StatusCode != http.StatusForbidden {
		t.Errorf("a web page's question got %s", resp.Status)
	}
	if err := newStatusClient(address, time.Second).post(t.Context(), "/status", "x", nil); err == nil {
		t.Error("something may be changed over TCP")
	}
}

func TestWhyAnAgentCanNotBeAsked(t *testing.T) {
	dead := filepath.Join(t.TempDir(), "s.sock")
	for listen, want := range map[string]error{"": errNoSocket, "unix:" + dead: errNobodyListens, "127.0.0.1:1": errNobodyListens} {
		if _, err := ask(t, listen); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", listen, err, want)
		}
	}
}

// Those who connect and say nothing, or ask and never read, or send without end:
// others are answered all the same, and nothing of them is left.
func TestNobodyHoldsUpTheStatusSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.sock")
	openHello(t, "unix:"+path)
	for range statusConnections - 1 {
		conn, err := net.Dial("unix", path)
		must(t, err)
		t.Cleanup(func() { _ = conn.Close() })
		_, err = io.WriteString(conn, strings.Repeat("GET /status HTTP/1.1\r\nHost: x\r\n\r\n", 100)) // reads nothing
		must(t, err)
	}
	if word, err := ask(t, "unix:"+path); word != "hello" || err != nil {
		t.Errorf("answered %q, %v", word, err)
	}
}

func TestTenThousandConnectionsOpenNoMoreThanAFew(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.sock")
	openHello(t, "unix:"+path)
	before := openFiles(t)
	dialer := net.Dialer{Timeout: 20 * time.Millisecond}
	refused := 0
	for range 10_000 {
		conn, err := dialer.Dial("unix", path)
		if err != nil {
			refused++
			break // the kernel's queue is full: the rest would be told the same
		}
		defer conn.Close()
	}
	// Each of ours is open at both ends only where the server took it.
	if taken := openFiles(t) - before; refused == 0 && taken > 10_000+2*statusConnections {
		t.Errorf("%d files open for 10,000 connections", taken)
	}
}

func openFiles(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	must(t, err)
	return len(list)
}

func TestARequestOfAGigabyteIsCutOff(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.sock")
	openHello(t, "unix:"+path)
	conn, err := net.Dial("unix", path)
	must(t, err)
	defer conn.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	context.AfterFunc(ctx, func() { _ = conn.Close() })
	sent := 0
	_, _ = io.WriteString(conn, "POST /status HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n")
	lump := make([]byte, 64<<10)
	answered := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(conn).ReadString('\n')
		answered <- line
	}()
	for sent < 1_000_000_000 {
		n, err := conn.Write(lump)
		sent += n
		if err != nil {
			break
		}
	}
	if sent > 64<<20 {
		t.Errorf("%d bytes were taken", sent)
	}
	if line := <-answered; !strings.Contains(line, "413") {
		t.Errorf("answered %q, want 413", line)
	}
}
