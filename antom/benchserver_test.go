package antom

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// answering is the word that makes this test binary the server of the benchmarks,
// in a process of its own: what it computes is then not counted as the client's.
const answering = "answer-the-benchmark"

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == answering {
		if err := answerBenchmark(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// elsewhere is a server in another process, which answers every request on a
// connection with the same bytes.
type elsewhere struct {
	tb      testing.TB
	address string
	stdin   io.WriteCloser
}

// answerElsewhere starts a server; it ends with the benchmark.
func answerElsewhere(tb testing.TB) elsewhere {
	tb.Helper()
	self := must(os.Executable())
	cmd := exec.Command(self, answering)
	cmd.Stderr = os.Stderr
	s := elsewhere{tb: tb, stdin: must(cmd.StdinPipe())}
	stdout := must(cmd.StdoutPipe())
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		_ = s.stdin.Close() // which ends it
		if err := cmd.Wait(); err != nil {
			tb.Error(err)
		}
	})
	s.address = strings.TrimSpace(must(bufio.NewReader(stdout).ReadString('\n')))
	return s
}

// say gives the answer to all requests from now on.
func (s elsewhere) say(answer []byte) {
	s.tb.Helper()
	if _, err := s.stdin.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(answer))), answer...)); err != nil {
		s.tb.Fatal(err)
	}
}

// answerBenchmark serves until in ends. It says its address first, and is told
// the answer then.
func answerBenchmark(in io.Reader, out io.Writer) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Fprintln(out, listener.Addr())
	var length [4]byte
	if _, err := io.ReadFull(in, length[:]); err != nil {
		return err
	}
	answer := make([]byte, binary.BigEndian.Uint32(length[:]))
	if _, err := io.ReadFull(in, answer); err != nil {
		return err
	}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go repeat(conn, answer)
		}
	}()
	_, err = io.Copy(io.Discard, in)
	return err
}

// repeat answers on one connection until it is closed. A request of the benchmark
// ends with its encrypted body, which is of known length.
func repeat(conn net.Conn, answer []byte) {
	defer func() { _ = conn.Close() }()
	in := make([]byte, 64<<10)
	for n := 0; ; {
		m, err := conn.Read(in[n:])
		if err != nil {
			return
		}
		n += m
		if end := bytes.Index(in[:n], []byte("\r\n\r\n")); end < 0 || n-end-4 < benchBody {
			continue
		}
		if _, err := conn.Write(answer); err != nil {
			return
		}
		n = 0
	}
}
