package main

import (
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// readExposition reads Prometheus' text format as strictly as it is described: HELP
// and TYPE before the samples of a family, which follow in one block; names and labels
// as they must be spelt; no sample twice; histograms that add up.
func readExposition(t *testing.T, text string) map[string]float64 {
	t.Helper()
	if !strings.HasSuffix(text, "\n") {
		t.Error("the last line has no end")
	}
	const label = `[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*"`
	line := regexp.MustCompile(`^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(` + label + `(?:,` + label + `)*)\})? (\S+)$`)
	seen, helped, kinds := map[string]float64{}, map[string]bool{}, map[string]string{}
	family, kind := "", ""
	for _, l := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		if rest, ok := strings.CutPrefix(l, "# HELP "); ok {
			name, help, _ := strings.Cut(rest, " ")
			if helped[name] || help == "" {
				t.Errorf("%s has two HELP lines, or an empty one", name)
			}
			helped[name] = true
			continue
		}
		if rest, ok := strings.CutPrefix(l, "# TYPE "); ok {
			family, kind, _ = strings.Cut(rest, " ")
			if kinds[family] != "" || !helped[family] {
				t.Errorf("%s has two TYPE lines, or no HELP before", family)
			}
			kinds[family] = kind
			checkName(t, family, kind)
			continue
		}
		m := line.FindStringSubmatch(l)
		if m == nil {
			t.Errorf("not a sample: %q", l)
			continue
		}
		base := m[1]
		if kind == "histogram" {
			base = regexp.MustCompile(`_(bucket|sum|count)$`).ReplaceAllString(base, "")
		}
		if base != family {
			t.Errorf("%s stands among the samples of %s", m[1], family)
		}
		value, err := strconv.ParseFloat(m[3], 64)
		key := m[1] + "{" + m[2] + "}"
		if _, twice := seen[key]; twice || err != nil {
			t.Errorf("%s: twice, or no number: %v", key, err)
		}
		seen[key] = value
	}
	for name, kind := range kinds {
		if kind == "histogram" {
			checkHistogram(t, text, name, seen)
		}
	}
	return seen
}

func checkName(t *testing.T, name, kind string) {
	t.Helper()
	if !regexp.MustCompile(`^posagent_[a-z0-9]+(_[a-z0-9]+)*$`).MatchString(name) {
		t.Errorf("%s is no name of ours", name)
	}
	if (kind == "counter") != strings.HasSuffix(name, "_total") {
		t.Errorf("%s is a %s: only counters end in _total", name, kind)
	}
	if kind != "counter" && kind != "gauge" && kind != "histogram" {
		t.Errorf("%s has type %q", name, kind)
	}
	if regexp.MustCompile(`_(milli|micro|ms|kb|minutes)`).MatchString(name) {
		t.Errorf("%s is not in a base unit", name)
	}
}

// checkHistogram sees that buckets rise, end in +Inf, and +Inf is the count.
func checkHistogram(t *testing.T, text, name string, seen map[string]float64) {
	t.Helper()
	last, of := -1.0, ""
	for _, m := range regexp.MustCompile(`(?m)^`+name+`_bucket\{(.*)le="([^"]+)"\} (\S+)$`).FindAllStringSubmatch(text, -1) {
		if m[1] != of {
			last, of = -1, m[1]
		}
		value, _ := strconv.ParseFloat(m[3], 64)
		if value < last {
			t.Errorf("%s: the bucket up to %s of %q has %v, the one before %v", name, m[2], m[1], value, last)
		}
		last = value
		if count := seen[name+"_count{"+strings.TrimSuffix(m[1], ",")+"}"]; m[2] == "+Inf" && count != value {
			t.Errorf("%s: %v in all buckets, %v counted", name, value, count)
		}
	}
}

// listen is where a shop's agent tells how it is.
func (s *shop) listen() string { return "unix:" + s.dir + "/" + siteSocket }

// metrics are the agent's, read strictly.
func (s *shop) metrics() map[string]float64 {
	s.t.Helper()
	text, kind := s.fetch("/metrics")
	if kind != expositionType {
		s.t.Errorf("Content-Type %q", kind)
	}
	return readExposition(s.t, text)
}

func (s *shop) fetch(path string) (text, kind string) {
	s.t.Helper()
	c := newStatusClient(s.listen(), 10*time.Second)
	s.until("the agent answers "+path, func() bool {
		resp, err := c.http.Get("http://localhost" + path)
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		text, kind = string(body), resp.Header.Get("Content-Type")
		return err == nil
	})
	return text, kind
}

// until waits until something is so.
func (s *shop) until(what string, is func() bool) {
	s.t.Helper()
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	over := time.After(20 * time.Second)
	for !is() {
		select {
		case <-look.C:
		case <-over:
			s.t.Fatalf("waited in vain until %s", what)
		}
	}
}

// The figures of a paid, a declined and a refused sale, through the whole house.
func TestFiguresTellWhatHappened(t *testing.T) {
	s := openShop(t, quick)
	s.serve()
	till := s.till()
	s.sell(till, "SECRET_ID_1", 1050)
	s.sell(till, "SECRET_ID_2", 1061) // declined
	var m map[string]float64
	s.until("both are delivered", func() bool {
		m = s.metrics()
		return m[`posagent_undelivered{register="lane1",configured="yes"}`] == 0
	})
	for name, want := range map[string]float64{
		`posagent_payments_total{outcome="paid"}`:                       1,
		`posagent_payments_total{outcome="failed"}`:                     1,
		`posagent_payments_open{}`:                                      0,
		`posagent_payments_in_doubt{}`:                                  0,
		`posagent_antom_reachable{}`:                                    1,
		`posagent_port_open{register="lane1"}`:                          1,
		`posagent_link_up{register="lane1"}`:                            1,
		`posagent_store_writable{}`:                                     1,
		`posagent_worker_up{}`:                                          1,
		`posagent_antom_calls_total{call="diagnosis",ended="answered"}`: 1,
	} {
		if got, there := m[name]; !there || got != want {
			t.Errorf("%s is %v (there: %v), want %v", name, got, there, want)
		}
	}
	if n := m["posagent_store_commit_duration_seconds_count{}"]; n < 4 {
		t.Errorf("%v commits", n)
	}
	if n := m[`posagent_antom_call_duration_seconds_count{call="pay"}`]; n < 2 {
		t.Errorf("%v pay calls", n)
	}
	if m["posagent_store_bytes{}"] == 0 || m[`posagent_frames_received_total{register="lane1"}`] == 0 {
		t.Error("the store is empty, or no frame came")
	}
	if text, _ := s.fetch("/metrics"); strings.Contains(text, "SECRET") || strings.Contains(text, siteClientID) || strings.Contains(text, "A1") {
		t.Errorf("an id stands among the figures:\n%s", text)
	}
}

func TestAReportHasNoKeys(t *testing.T) {
	s := openShop(t, quick)
	s.serve()
	s.sell(s.till(), "R1", 1050)
	for _, path := range []string{"/status", "/metrics"} {
		text, _ := s.fetch(path)
		for _, secret := range []string{"PRIVATE", "BEGIN", "signature"} {
			if strings.Contains(strings.ToLower(text), strings.ToLower(secret)) {
				t.Errorf("%s holds %q:\n%s", path, secret, text)
			}
		}
	}
}

func TestAHistogramCountsUpToItsBounds(t *testing.T) {
	h := newHistogram([]float64{1, 2, 4})
	for _, v := range []float64{0.5, 1, 1.5, 2, 4, 9} {
		h.observe(v)
	}
	var e exposition
	e.family("posagent_x_seconds", timings, "x").histogram(h, "call", `a"b\c`)
	m := readExposition(t, e.String())
	for le, want := range map[string]float64{"1": 2, "2": 4, "4": 5, "+Inf": 6} {
		key := fmt.Sprintf(`posagent_x_seconds_bucket{call="a\"b\\c",le="%s"}`, le)
		if m[key] != want {
			t.Errorf("up to %s: %v, want %v", le, m[key], want)
		}
	}
	if m[`posagent_x_seconds_sum{call="a\"b\\c"}`] != 18 {
		t.Errorf("the sum is wrong: %v", m)
	}
}
