package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"posagent/device"
	"posagent/device/virtual"
)

// wordsPerLine bounds a line of requests; the longest request has fewer members.
const wordsPerLine = 64

// talk sends the requests that come from input, one a line, and prints what
// comes back and every event. A request that is refused ends nothing.
func talk(ctx context.Context, e env, reg *virtual.Register, f registerFlags) error {
	if !f.noInit {
		m, err := reg.Init(ctx)
		if err != nil {
			return fmt.Errorf("initConnection: %w", err)
		}
		fmt.Fprintf(e.stdout, "%s\n", m.Body)
	}
	unanswered := 0
	for lines := readLines(ctx, f.input); ; {
		select {
		case <-ctx.Done():
			return errors.New("the time is over; what is open goes on: ask")
		case <-reg.Done():
			return errors.New("the line is closed; what is not answered is unknown: ask")
		case m := <-reg.Events():
			fmt.Fprintf(e.stdout, "%s\n", m.Body)
		case line, more := <-lines:
			if !more {
				printWaiting(e.stdout, reg)
				return countUnanswered(unanswered)
			}
			if err := f.sayLine(ctx, e.stdout, reg, line); err != nil {
				fmt.Fprintf(e.stderr, "%v\n", err)
				unanswered++
			}
		}
	}
}

func countUnanswered(n int) error {
	if n == 0 {
		return nil
	}
	return fmt.Errorf("%s not sent or not answered", count(n, "line"))
}

// readLines reads input in a goroutine that ends with it, or with ctx and the
// line that is being typed: a terminal can't be told to stop reading.
func readLines(ctx context.Context, input io.Reader) <-chan string {
	lines := make(chan string)
	go func() {
		defer close(lines)
		for scan := bufio.NewScanner(input); scan.Scan(); {
			select {
			case lines <- strings.TrimSpace(scan.Text()):
			case <-ctx.Done():
				return
			}
		}
	}()
	return lines
}

// sayLine sends what one line asks for.
func (f registerFlags) sayLine(ctx context.Context, w io.Writer, reg *virtual.Register, line string) error {
	if line == "" || strings.HasPrefix(line, "#") {
		return nil
	}
	body := []byte(line)
	if !strings.HasPrefix(line, "{") {
		words, err := splitWords(line)
		if err != nil {
			return err
		}
		if body, err = requestBody(words); err != nil {
			return err
		}
	}
	m, err := reg.RequestRaw(ctx, body)
	if err != nil {
		return fmt.Errorf("%w; whether it was carried out is unknown: ask", err)
	}
	fmt.Fprintf(w, "%s\n", m.Body)
	asked := endingOf(body)
	if f.wait && m.Result().Status != "F" && (asked.Method == "pay" || asked.Method == "refund") {
		return waitFinal(ctx, w, reg, asked.subject(), m)
	}
	return nil
}

// splitWords cuts a line at its spaces, except between double quotes.
func splitWords(line string) ([]string, error) {
	var words []string
	var word strings.Builder
	quoted := false
	flush := func() {
		if word.Len() > 0 {
			words = append(words, word.String())
			word.Reset()
		}
	}
	for _, r := range line {
		switch {
		case r == '"':
			quoted = !quoted
		case r == ' ' && !quoted, r == '\t' && !quoted:
			flush()
		default:
			word.WriteRune(r)
		}
	}
	flush()
	if quoted || len(words) == 0 || len(words) > wordsPerLine {
		return nil, fmt.Errorf("%q is not METHOD MEMBER=VALUE …", line)
	}
	return words, nil
}

// tracer writes what passes on the line to w, as the flags ask. It is called
// from one goroutine.
func (f registerFlags) tracer(w io.Writer) func(way string, b []byte) {
	if !f.watch && !f.raw {
		return nil
	}
	started := time.Now()
	ways := map[string]*device.Watch{device.FromRegister: {Whole: true}, device.FromAgent: {Whole: true}}
	return func(way string, b []byte) {
		now := time.Now()
		stamp := fmt.Sprintf("%9.3fs %s", now.Sub(started).Seconds(), way)
		if f.raw {
			fmt.Fprintf(w, "%s % x\n", stamp, b)
		}
		if !f.watch {
			return
		}
		for _, s := range ways[way].See(now, way, b) {
			fmt.Fprintln(w, strings.TrimSpace(fmt.Sprintf("%s %s %-24s %s", stamp, seqColumn(s), s.Name(), s.Body)))
		}
	}
}

// seqColumn is the SEQ of a frame; elsewhere the name says it.
func seqColumn(s device.Sighting) string {
	if s.Kind == device.SightFrame {
		return s.Seq
	}
	return "  "
}
