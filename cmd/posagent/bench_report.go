package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"posagent/device"
)

// benchReport is what a bench has found. Times are microseconds.
type benchReport struct {
	Version    string        `json:"version"`
	Commit     string        `json:"commit"`
	Platform   string        `json:"platform"`
	Processors int           `json:"processors"`
	Folder     string        `json:"folder"`
	Date       time.Time     `json:"date"`
	Seconds    float64       `json:"seconds"`
	Sales      []saleReport  `json:"sales"`
	Line       lineReport    `json:"line"`
	Idle       *idleReport   `json:"idle,omitempty"`
	Memory     *memoryReport `json:"memory,omitempty"`
}

// lineReport is the line of a register and the codec beside it.
type lineReport struct {
	Baud           int     `json:"baud"`
	BytesASale     int     `json:"bytesASale"`
	WireMillis     float64 `json:"wireMillis"` // of a whole sale
	CodecPerSecond float64 `json:"codecBytesPerSecond"`
	TimesTheLine   float64 `json:"codecTimesTheLine"`
}

// bitsPerByte are those of 8N1, with start and stop bit.
const bitsPerByte = 10

// codecTime is how long the codec is measured.
const codecTime = 500 * time.Millisecond

// benchCodec finds, checks and reads the frames of a sale for a while.
func benchCodec(sale []byte, baud int) lineReport {
	watch, passed := device.Watch{}, 0
	began := time.Now()
	for time.Since(began) < codecTime {
		watch.See(began, device.FromRegister, sale)
		passed += len(sale)
	}
	line := float64(baud) / bitsPerByte
	r := lineReport{Baud: baud, BytesASale: len(sale), WireMillis: 1000 * float64(len(sale)) / line}
	r.CodecPerSecond = float64(passed) / time.Since(began).Seconds()
	r.TimesTheLine = r.CodecPerSecond / line
	return r
}

// text is the report for a person.
func (r benchReport) text() string {
	var t strings.Builder
	say := func(format string, args ...any) { fmt.Fprintf(&t, format+"\n", args...) }
	say("posagent %s on %s with %s, measured in\n%s", r.Version, r.Platform, count(r.Processors, "processor"), r.Folder)
	s := r.Sales[0]
	say("\n%-46s %10s %10s", "milliseconds, at the most in", "half", "99 of 100")
	row := func(what string, v spread) { say("%-46s %10.2f %10.2f", what, v.P50/1000, v.P99/1000) }
	row("disk: a synced write of 4 KiB", s.SyncedRaw)
	row("disk: a commit of the store, a new payment", s.Commit)
	row("disk: another, its end", s.Outcome)
	row("RSA and AES of a request to Antom", s.RSARequest)
	row("RSA and AES of an answer", s.RSAAnswer)
	for _, s := range r.Sales {
		row("sale over "+s.Transport+": command to request", s.ToGateway.Took)
		if s.Confirming.P50 > 0 {
			row("  the inquiry that confirms the answer", s.Confirming)
		}
		row("  answer to event", s.ToRegister.Took)
		say("  of these the agent's own: %.2f and %.2f", s.ToGateway.Own/1000, s.ToRegister.Own/1000)
	}
	say("\nline: %d bytes a sale, %.0f ms at %d baud; read %.0f times as fast as that",
		r.Line.BytesASale, r.Line.WireMillis, r.Line.Baud, r.Line.TimesTheLine)
	if i := r.Idle; i != nil {
		say("idle: %.3f %% of a processor, %.1f wake-ups a second", i.CPUPercent, i.WakeUpsPerSecond)
	}
	if m := r.Memory; m != nil {
		say("memory: %.1f MB resident after %d sales, %.1f MB after a tenth of them\n"+
			"  (%.0f sales a second, %.2f ms of processor each)",
			mb(m.AtTheEndKiB), m.Sales, mb(m.AtATenthKiB), m.SalesPerSecond, m.CPUMicrosASale/1000)
	}
	say("\n%s", r.meaning())
	return t.String()
}

func mb(kib int64) float64 { return float64(kib) / 1024 }

// meaning says in plain words what a shop will notice.
func (r benchReport) meaning() string {
	s := r.Sales[0]
	usual := (s.ToGateway.Took.P50 + s.ToRegister.Took.P50) / 1000
	worst := (s.ToGateway.Took.P99 + s.ToRegister.Took.P99) / 1000
	text := fmt.Sprintf("A sale waits %.0f ms for this box, and %.0f ms one time in a hundred; the line\n"+
		"adds %.0f ms. The rest is the customer, Antom and the network.\n", usual, worst, r.Line.WireMillis)
	switch {
	case s.Commit.P99 > 500_000:
		text += "The disk is slow: some sales wait half a second and more for it. A better card, or\n" +
			"fewer programs that write to it, would help.\n"
	case s.Commit.P50 < 20:
		text += "The disk answers faster than one that keeps its word through a power cut can: it is a\n" +
			"RAM disk, or it lies about what is written. Put the store on a real one.\n"
	default:
		text += "The disk is fast enough.\n"
	}
	if s.RSARequest.P50+s.RSAAnswer.P50 > 300_000 {
		text += "The processor is slow at RSA; that is the larger part of a sale's wait here.\n"
	}
	return text
}

// ticker says how far a bench is: on a terminal in one line that is written over,
// elsewhere in one line for each of its parts.
type ticker struct {
	w        io.Writer
	terminal bool
	said     string
}

func newTicker(w io.Writer) *ticker { return &ticker{w: w, terminal: isTerminal(w)} }

// of returns what a part calls as it goes; format takes two numbers.
func (t *ticker) of(format string) func(done, of int) {
	return func(done, of int) {
		switch {
		case t.terminal:
			fmt.Fprintf(t.w, "\r\x1b[K"+format, done, of)
		case t.said != format:
			fmt.Fprintf(t.w, format+"\n", done, of)
		}
		t.said = format
	}
}

// done leaves a terminal's line clean.
func (t *ticker) done() {
	if t.terminal && t.said != "" {
		fmt.Fprint(t.w, "\r\x1b[K")
	}
}
