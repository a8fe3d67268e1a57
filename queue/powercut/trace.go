package powercut

import (
	"bufio"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// TraceArgs are what strace is to be called with, before "-o FILE" and the program.
func TraceArgs() []string {
	return []string{"-f", "--seccomp-bpf", "-y", "-xx", "-s", "200000", "-e", "trace=openat,pwrite64,write,lseek," +
		"ftruncate,fsync,fdatasync,unlink,unlinkat,rename,renameat,renameat2,copy_file_range,sendfile"}
}

// maxTraceLine bounds one line of a trace: a write of 200,000 bytes in hexadecimal.
const maxTraceLine = 1 << 20

// tracer reads a trace line by line.
type tracer struct {
	store     string                                  // the database; its other files begin with its path
	elsewhere func(path string, data []byte) []string // what a write to anything else promises
	begun     map[string]string                       // by thread: a call that is not over
	there     map[string]bool                         // files
	at        map[string]int64                        // where the next write goes, by open file
	ops       []Op
	over      *regexp.Regexp // a call that is over: its name, arguments and result
}

// ParseTrace reads what strace has written of a program and returns what the program
// did to a store: to the database at that path, and to what stands beside it under
// its name. Writes to anything else, a terminal or a socket, are given to elsewhere,
// which returns the marks to put in their place. Files are those of the store that
// are there at the start.
func ParseTrace(r io.Reader, store string, files []string, elsewhere func(path string, data []byte) []string) ([]Op, error) {
	t := &tracer{store: store, over: regexp.MustCompile(`^(\w+)\((.*)\)\s+= (-?\d+)`), elsewhere: elsewhere, begun: map[string]string{}, there: map[string]bool{}, at: map[string]int64{}}
	for _, name := range files {
		t.there[name] = true
	}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxTraceLine)
	for lines.Scan() {
		if err := t.line(lines.Text()); err != nil {
			return nil, fmt.Errorf("trace: %w: %.200s", err, lines.Text())
		}
	}
	return t.ops, lines.Err()
}

// line takes a line up. A call that another thread interrupts is two lines; what it
// lets others know counts from the first, what it does to files from the second.
func (t *tracer) line(line string) error {
	thread, call, _ := strings.Cut(line, " ")
	call = strings.TrimLeft(call, " ")
	if text, interrupted := strings.CutSuffix(call, " <unfinished ...>"); interrupted {
		t.begun[thread] = text
		return t.call(text+") = 0", true, false)
	}
	whole := true
	if strings.HasPrefix(call, "<... ") {
		_, rest, _ := strings.Cut(call, "resumed>")
		call, whole = t.begun[thread]+rest, false
		delete(t.begun, thread)
	}
	return t.call(call, whole, true)
}

// call takes a call up: what it says to others, what it does to files, or both.
func (t *tracer) call(text string, says, does bool) error {
	m := t.over.FindStringSubmatch(text)
	if m == nil {
		return nil // the end of a process, or a signal
	}
	args := splitArgs(m[2])
	result, err := strconv.ParseInt(m[3], 10, 64)
	if err != nil {
		return err
	}
	c := traced{name: m[1], args: args, result: result}
	if path, ok := c.path(0); ok && c.name == "write" && !t.ours(path) {
		if says {
			t.said(path, c)
		}
		return nil
	}
	if !does {
		return nil
	}
	return t.do(c)
}

func (t *tracer) said(path string, c traced) {
	for _, mark := range t.elsewhere(path, c.bytes(1)) {
		t.ops = append(t.ops, Op{Kind: Mark, Name: mark})
	}
}

func (t *tracer) ours(path string) bool {
	for _, end := range []string{"-shm", ".lock", ".ballast"} { // which promise nothing
		if strings.HasSuffix(path, end) {
			return false
		}
	}
	return strings.HasPrefix(path, t.store)
}

// do takes up what a call did to files.
func (t *tracer) do(c traced) error {
	switch c.name {
	case "openat":
		t.open(c)
	case "rename", "renameat", "renameat2":
		t.rename(c)
	case "unlink", "unlinkat":
		if path := c.bytes(c.last("unlinkat", 1, 0)); c.result == 0 && t.ours(string(path)) {
			delete(t.there, string(path))
			t.add(Op{Kind: Delete, Name: string(path)})
		}
	case "copy_file_range", "sendfile":
		return t.copied(c)
	default:
		return t.file(c)
	}
	return nil
}

func (t *tracer) add(op Op) { t.ops = append(t.ops, op) }

func (t *tracer) open(c traced) {
	path := string(c.bytes(1))
	if c.result < 0 || !t.ours(path) {
		return
	}
	t.at[c.fd(c.result, path)] = 0
	switch {
	case strings.Contains(c.args[2], "O_CREAT") && !t.there[path]:
		t.there[path] = true
		t.add(Op{Kind: Create, Name: path})
	case strings.Contains(c.args[2], "O_TRUNC"):
		t.add(Op{Kind: Truncate, Name: path})
	}
}

func (t *tracer) rename(c traced) {
	from, to := string(c.bytes(c.last("rename", 0, 1))), string(c.bytes(c.last("rename", 1, 3)))
	if c.result == 0 && t.ours(from) {
		delete(t.there, from)
		t.there[to] = true
		t.add(Op{Kind: Rename, Name: from, To: to})
	}
}

// copied takes up a copy inside the kernel, which shows no bytes.
func (t *tracer) copied(c traced) error {
	from, to := 0, 2
	if c.name == "sendfile" {
		from, to = 1, 0
	}
	source, ok := c.path(from)
	target, ok2 := c.path(to)
	if !ok || !ok2 || c.result <= 0 || !t.ours(target) {
		return nil
	}
	if !t.ours(source) {
		return fmt.Errorf("%s is copied from a file that is not watched", target)
	}
	t.add(Op{Kind: Copy, Name: source, To: target, Offset: c.result})
	return nil
}

// file takes up a call on an open file.
func (t *tracer) file(c traced) error {
	path, ok := c.path(0)
	if ok && c.name == "fsync" && path == filepath.Dir(t.store) {
		t.add(Op{Kind: SyncDir, Name: path, Failed: c.result != 0})
	}
	if !ok || !t.ours(path) {
		return nil
	}
	fd := c.args[0]
	switch c.name {
	case "lseek":
		t.at[fd] = c.result
	case "write", "pwrite64":
		at := t.at[fd]
		if c.name == "pwrite64" {
			at = c.number(3)
		}
		data := c.bytes(1)
		if int64(len(data)) < c.result {
			return fmt.Errorf("a write of %d bytes is not shown whole", c.result)
		}
		if c.result > 0 {
			t.add(Op{Kind: Write, Name: path, Offset: at, Data: data[:c.result]})
		}
		if c.name == "write" {
			t.at[fd] += c.result
		}
	case "ftruncate":
		if c.result == 0 {
			t.add(Op{Kind: Truncate, Name: path, Offset: c.number(1)})
		}
	case "fsync", "fdatasync":
		t.add(Op{Kind: Sync, Name: path, Failed: c.result != 0})
	}
	return nil
}

// traced is one call of a trace.
type traced struct {
	name   string
	args   []string
	result int64
}

// last is the place of an argument in the short form of a call or in its long one.
func (c traced) last(short string, inShort, inLong int) int {
	if c.name == short {
		return inShort
	}
	return inLong
}

// fd is how an open file is written as an argument.
func (c traced) fd(n int64, path string) string {
	var hex strings.Builder
	for _, b := range []byte(path) {
		fmt.Fprintf(&hex, `\x%02x`, b)
	}
	return fmt.Sprintf("%d<%s>", n, &hex)
}

func (c traced) number(i int) int64 {
	n, err := strconv.ParseInt(c.args[i], 0, 64)
	if err != nil {
		panic("powercut: no number: " + c.args[i])
	}
	return n
}

// path is that of an open file, of which strace says "9<path>".
func (c traced) path(i int) (string, bool) {
	if i >= len(c.args) {
		return "", false
	}
	_, path, ok := strings.Cut(c.args[i], "<")
	path, _, _ = strings.Cut(path, ">")
	return string(unhex(path)), ok
}

// bytes are those of a string.
func (c traced) bytes(i int) []byte { return unhex(strings.Trim(c.args[i], `"`)) }

// unhex reads \x2f\x74; a socket's name comes in plain.
func unhex(text string) []byte {
	var out []byte
	for i := 0; i < len(text); i++ {
		if strings.HasPrefix(text[i:], `\x`) && i+4 <= len(text) {
			if b, err := strconv.ParseUint(text[i+2:i+4], 16, 8); err == nil {
				out = append(out, byte(b))
				i += 3
				continue
			}
		}
		out = append(out, text[i])
	}
	return out
}

// splitArgs splits at commas; with every string in hexadecimal there are no others.
func splitArgs(text string) []string { return strings.Split(text, ", ") }
