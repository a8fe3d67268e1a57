package device

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// recorded reads a recording.
func recorded(t *testing.T, path string) []Sighting {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	all, err := ReadRecording(file)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestRecordingHoldsTheSessionAndNoSecrets(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lane1.jsonl")
	t.Run("session", func(t *testing.T) {
		a := serveWith(t, func(o *Options) { o.Record = path })
		register, far := a.plugIn(t)
		register.opens("")
		register.write([]byte("AT\r"))
		register.asks(`{"method":"pay","paymentRequestId":"R1","paymentMethod":"ALIPAY_CN","paymentAmount":{"value":1050,"currency":"SGD"}, "extendInfo" : "the customer"}`)
		s := paidState("R1", 2)
		s.Payment.PaymentReceipt = &Receipt{CashierReceipt: "the cashier's", CustomerReceipt: "the customer's"}
		a.engine.becomes(s)
		if m := register.hears(patience); m == nil || m.body["paymentReceipt"] == nil {
			t.Fatalf("heard %+v", m)
		}
		register.asks(`{"method":"delivered","paymentRequestId":"R1","rev":2}`)
		_ = far.Close()
		a.await(t, "the hang-up to be seen", func(r Reading) bool { return !r.PortOpen })
	})
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), "the c") {
		t.Errorf("the recording holds what it must not:\n%s", text)
	}
	var names []string
	for _, s := range recorded(t, path) {
		if s.At.IsZero() || s.Kind != SightNote && s.Way == "" {
			t.Errorf("no time or way: %+v", s)
		}
		names = append(names, strings.TrimSpace(s.Way+" "+s.Name()))
	}
	for _, want := range []string{
		"port opened", "R>A request initConnection", "A>R ACK of 00", "A>R response to 00 initConnection", "R>A ACK of 00",
		"R>A 3 bytes of garbage: 41540d", "R>A request pay", "A>R event payment", "R>A request delivered", "port closed",
	} {
		if !strings.Contains(strings.Join(names, "\n"), want) {
			t.Errorf("the recording does not say %q:\n%s", want, strings.Join(names, "\n"))
		}
	}
}

func TestSecretsAreLeftOutWhereverTheyStandAndNothingElse(t *testing.T) {
	for body, want := range map[string]string{
		`{"a":1,"extendInfo":"x","b":[1, 2]}`:                  `{"a":1,"extendInfo":"(left out)","b":[1, 2]}`,
		`{"extendInfo":{"deep":["x"]},"extendInfo":"y"}`:       `{"extendInfo":"(left out)","extendInfo":"(left out)"}`,
		`{"l":[{"paymentReceipt" : {"customerReceipt":"x"}}]}`: `{"l":[{"paymentReceipt" : "(left out)"}]}`,
		`{"exten\u0064Info":"x"}`:                              `{"exten\u0064Info":"(left out)"}`,
		`{"EXTENDINFO":12}`:                                    `{"EXTENDINFO":"(left out)"}`,
		`{"memo":"extendInfo","x":"paymentReceipt"}`:           `{"memo":"extendInfo","x":"paymentReceipt"}`,
		`{"method":"echo","text":"hi"}`:                        `{"method":"echo","text":"hi"}`,
		`{"method":"receipt","re":"04","text":"x"}`:            `{"method":"receipt","re":"04","text":"(left out)"}`,
		`{"method":7,"text":"x"}`:                              `{"method":7,"text":"(left out)"}`,
		`[{"text":"x"}]`:                                       `[{"text":"(left out)"}]`,
	} {
		if got := withholdMembers([]byte(body)); string(got) != want {
			t.Errorf("%s\nbecame %s\nwant   %s", body, got, want)
		}
		whole := (&Watch{Whole: true}).See(start, FromAgent, encode(1, []byte(body)))
		if len(whole) != 1 || string(whole[0].Body) != body {
			t.Errorf("whole: %+v, want %s", whole, body)
		}
	}
}

// Damaged frames and what is left of them may hold anything, so none is kept.
func TestWhatIsDamagedIsCountedAndNotKept(t *testing.T) {
	frame := string(encode(5, []byte(`{"method":"pay","extendInfo":"the customer"}`)))
	spoilt := strings.Replace(frame, `pay"`, "pay\x00", 1)
	for name, test := range map[string]struct{ bytes, want string }{
		"STX lost":        {frame[1:] + frame, "60 bytes of garbage: 31303530|request pay"},
		"a byte spoilt":   {spoilt + frame, "damaged frame, SEQ 05|bytes of garbage: \n|request pay"},
		"cut by an STX":   {frame[:30] + frame, "cut short|request pay"},
		"a bit turned":    {strings.Replace(frame, "pay", "qay", 1) + frame, "damaged frame, SEQ 05|request pay"},
		"not JSON":        {string(encode(5, []byte(`the customer`))), "frame without a JSON object"},
		"half an ACK":     {"\x060" + frame, "2 bytes of garbage|request pay"},
		"ACK and NAK":     {"\x0607\x1500", "ACK of 07|NAK of 00"},
		"a login banner":  {"\r\nlogin: ", "9 bytes of garbage: 0d0a6c6f67696e3a20"},
		"garbage by lump": {strings.Repeat("the customer", 40), "480 bytes of garbage"},
	} {
		var w Watch
		seen := w.See(start, FromRegister, []byte(test.bytes))
		var names []string
		for _, s := range seen {
			names = append(names, s.Name())
		}
		said := strings.Join(names, "\n") + "\n"
		for _, want := range strings.Split(test.want, "|") {
			if !strings.Contains(said, want) {
				t.Errorf("%s: saw %q, want %q", name, names, want)
			}
		}
		line, err := json.Marshal(seen)
		if err != nil || strings.Contains(string(line), "customer") || len(line) > 1000 {
			t.Errorf("%s: %v, %s", name, err, line)
		}
	}
	var w Watch
	w.See(start, FromRegister, []byte(frame[:20]))
	if seen := w.See(start.Add(timeT1), FromRegister, []byte(frame)); len(seen) != 2 || seen[0].Kind != SightDamaged {
		t.Errorf("after a stop: %+v", seen)
	}
}

func TestRecordingIsBoundedAndGoesOnAfterARestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lane1.jsonl")
	const limit = 4096
	for range 3 { // restarts
		r := newRecorder(path, slog.New(slog.DiscardHandler))
		r.limit = limit
		for range 200 {
			for len(r.lumps) == cap(r.lumps) {
				<-time.After(time.Millisecond)
			}
			r.keep(time.Now(), FromRegister, encode(1, []byte(askLast)))
		}
		r.end()
	}
	for _, name := range []string{path, path + ".1"} {
		state, err := os.Stat(name)
		if err != nil || state.Size() > limit || state.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, state, err)
		}
		if seen := recorded(t, name); len(seen) < 10 {
			t.Errorf("%s holds %d sightings", name, len(seen))
		}
	}
	if left, err := filepath.Glob(path + "*"); err != nil || len(left) != 2 {
		t.Errorf("files: %v, %v", left, err)
	}
}

// A disk that hangs is a pipe nobody reads; one that fails is a folder.
func TestRecorderThatCanNotWriteDelaysNothing(t *testing.T) {
	var log journal
	r := &recorder{lumps: make(chan lump, 2)} // nobody takes them out
	began := time.Now()
	for range 10000 {
		r.keep(time.Now(), FromRegister, []byte("x"))
	}
	if took := time.Since(began); took > time.Second || r.missed != 9998 {
		t.Errorf("took %v, missed %d", took, r.missed)
	}
	r = newRecorder(t.TempDir(), slog.New(slog.NewTextHandler(&log, nil)))
	for range 5 {
		r.note(noteOpened)
	}
	r.end()
	if said := strings.Count(log.String(), "can't be recorded"); said != 1 {
		t.Errorf("said %d times:\n%s", said, &log)
	}
}

func TestWhatWasNotRecordedIsSaid(t *testing.T) {
	r := &recorder{ways: map[string]*Watch{FromRegister: {}}}
	line := string(r.lines(lump{at: start, way: FromRegister, bytes: []byte("\x0601"), missed: 7}))
	if !strings.Contains(line, "7 lumps") || strings.Count(line, "\n") != 2 {
		t.Errorf("wrote %s", line)
	}
}

func TestATornRecordingIsReadAsFarAsItGoes(t *testing.T) {
	one := fmt.Sprintf(`{"at":%q,"kind":"ack","seq":"01"}`+"\n", start.Format(time.RFC3339))
	all, err := ReadRecording(strings.NewReader(one + one + one[:20]))
	if err != nil || len(all) != 2 {
		t.Errorf("%d, %v", len(all), err)
	}
	if _, err := ReadRecording(strings.NewReader(one + `{"port":"COM1"}`)); err == nil {
		t.Error("took another file for a recording")
	}
	if _, err := ReadRecording(strings.NewReader("no recording")); err == nil {
		t.Error("took a text for a recording")
	}
}

// Whatever passes, a recording of it is lines of JSON, and a frame's secret
// members are not in it.
func FuzzRecording(f *testing.F) {
	seeds := []string{"AT\r", "\x0601\x1500", workedBodies()[2].body, `{"extendInfo":"SECRET","l":[{"paymentReceipt":{"a":"SECRET"}}]}`,
		`{"method":"receipt","text":"SECRET"}`, `[{"extendInfo" : "SECRET"}]`, `{"a":1e9,"extendInfo":-1.5e3 ,"b":[]}`, "\x02\x02\x03"}
	if len(seeds) < 8 {
		f.Fatal("no seeds")
	}
	for n, seed := range seeds {
		f.Add([]byte(seed), n%2 == 0, 7)
	}
	f.Fuzz(func(t *testing.T, raw []byte, framed bool, cut int) {
		if isBody := !bytes.ContainsFunc(raw, func(r rune) bool { return r < 0x20 || r > 0x7e }); framed && isBody && len(raw) >= leastBody && len(raw) <= mostBody {
			raw = encode(1, raw)
		}
		var w Watch
		at := min(max(cut, 0), len(raw))
		seen := append(w.See(start, FromRegister, raw[:at]), w.See(start, FromRegister, raw[at:])...)
		for _, s := range seen {
			line, err := json.Marshal(s)
			if err != nil || len(line) > 8*len(raw)+500 {
				t.Fatalf("%+v: %v", s, err)
			}
			if s.Body == nil {
				continue
			}
			var kept struct{ ExtendInfo, PaymentReceipt any }
			if json.Unmarshal(s.Body, &kept) == nil && (kept.ExtendInfo != nil && kept.ExtendInfo != leftOut || kept.PaymentReceipt != nil && kept.PaymentReceipt != leftOut) {
				t.Fatalf("kept %s", s.Body)
			}
		}
	})
}
