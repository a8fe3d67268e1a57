package config

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/pelletier/go-toml/v2"
)

// seeds are files of every kind: right, wrong, and torn.
func seeds(tb testing.TB) []string {
	all := []string{
		Example(), filledIn(), "\ufeff" + strings.ReplaceAll(filledIn(), "\n", "\r\n"),
		shown.ReplaceAllString(filledIn(), "$1"),
		"log = {level = 1}\nlog.level = 2\n[log]\n[[log]]\n[log.x]\n", "register = [{}, 1, [[[[[]]]]]]\n[[register]]\n",
		"a.b.c = 1\n\"\" = ''\n", "[log]\nlevel = \"\"\"\n\n", "\xff", "=", "[", "", "x = {a = [{b = [{c = [1]}]}]}",
		"[[register]]\nport = \"usb:0403:6001:\"\n[payments]\nretention = \"1d1d\"\nwindow = 1979-05-27T07:32:00Z\n",
		"[antom]\nbase_url = \"http://[::1%25x]/%\"\nprivate_key_file = \"../..\"\nantom_public_key_file = [[], {}]\n",
	}
	for _, text := range all {
		if len(text) > fileLimitBytes {
			tb.Fatal("a seed is too long to be read")
		}
	}
	return all
}

func TestSeedsReachBothAnswers(t *testing.T) {
	right, wrong := 0, 0
	for _, text := range seeds(t) {
		if err := checkAnswer(t, []byte(text)); err == nil {
			right++
		} else {
			wrong++
		}
	}
	if right < 3 || wrong < 8 {
		t.Errorf("%d seeds are right and %d wrong: too few of one kind", right, wrong)
	}
}

// FuzzLoad holds that any text gives either faults, each in one line and with
// a line the text has, or a configuration, and then the text is TOML to the
// full decoder too.
func FuzzLoad(f *testing.F) {
	for _, text := range seeds(f) {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) { _ = checkAnswer(t, text) })
}

func checkAnswer(t *testing.T, text []byte) error {
	t.Helper()
	faults := &Faults{File: "posagent.toml"}
	c := read(text, folder{path: "/etc/posagent"}, faults)
	if err := faults.Err(); err != nil {
		checkFaults(t, text, faults)
		return err
	}
	if err := toml.Unmarshal(withoutMark(text), &map[string]any{}); err != nil {
		t.Fatalf("taken, but it is no TOML: %v\n%s", err, text)
	}
	checkConfig(t, c)
	return nil
}

func checkFaults(t *testing.T, text []byte, faults *Faults) {
	t.Helper()
	lines, last := strings.Count(string(text), "\n")+1, 0
	for _, f := range faults.List {
		if f.Text == "" || strings.ContainsAny(f.Key+f.Text, "\r\n") {
			t.Fatalf("not one line: %+v", f)
		}
		if f.Line < last || f.Line > lines {
			t.Fatalf("line %d after %d of %d: %+v", f.Line, last, lines, f)
		}
		last = f.Line
	}
}

// checkConfig spot-checks what the rest of the agent relies on.
func checkConfig(t *testing.T, c Config) {
	t.Helper()
	for _, path := range append([]string{c.Antom.PrivateKeyFile, c.Store.Path}, c.Antom.AntomPublicKeyFiles...) {
		if !filepath.IsAbs(path) || filepath.Clean(path) != path {
			t.Fatalf("path %q", path)
		}
	}
	if n := len(c.Antom.AntomPublicKeyFiles); n < 1 || n > 2 {
		t.Fatalf("%d public keys", n)
	}
	if again, err := baseURL(c.Antom.BaseURL); err != nil || again != c.Antom.BaseURL {
		t.Fatalf("base_url %q is read as %q, %v", c.Antom.BaseURL, again, err)
	}
	if c.Payments.Window <= 0 || c.Payments.QuietTime <= 0 || c.Payments.Retention <= 0 || c.Antom.ClientID == "" {
		t.Fatalf("got %+v", c)
	}
	if n := len(c.Registers); n < 1 || n > registerLimit || c.Registers[0].Name == "" || c.Registers[n-1].Port == "" {
		t.Fatalf("registers %+v", c.Registers)
	}
}

func TestReadingTheSameFileTwiceSaysTheSame(t *testing.T) {
	for _, text := range seeds(t) {
		path := filepath.Join(t.TempDir(), "posagent.toml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		first, err := Load(path)
		second, again := Load(path)
		if !reflect.DeepEqual(first, second) || !sameError(err, again) {
			t.Errorf("%q: %v, then %v", text, err, again)
		}
	}
}

func sameError(a, b error) bool {
	var x, y *Faults
	if !errors.As(a, &x) || !errors.As(b, &y) {
		return a == nil && b == nil
	}
	return reflect.DeepEqual(x, y)
}
