package config

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/pelletier/go-toml/v2/unstable"
)

// shown matches a key of the example that is left to its default.
var shown = regexp.MustCompile(`(?m)^#([a-z_]+ = .*)$`)

func loadText(t *testing.T, text string) (Config, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "posagent.toml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Load(path)
	c.lines = nil
	return c, err
}

// filledIn is the example as an operator would complete it, with keys at
// paths that do not depend on the folder.
func filledIn() string {
	return strings.NewReplacer(
		`base_url = ""`, `base_url = "https://host/openapi/v2"`,
		`client_id = ""`, `client_id = "N950SN0000001"`,
		`"private.pem"`, `"/etc/posagent/private.pem"`,
		`= "antom.pem"`, `= "/etc/posagent/antom.pem"`,
	).Replace(Example())
}

func TestExampleWantsOnlyWhatNobodyElseCanKnow(t *testing.T) {
	_, err := loadText(t, Example())
	var faults *Faults
	if !errors.As(err, &faults) {
		t.Fatalf("got %v, want faults", err)
	}
	var keys []string
	for _, f := range faults.List {
		keys = append(keys, f.Key)
	}
	if want := []string{"antom.base_url", "antom.client_id"}; !slices.Equal(keys, want) {
		t.Errorf("got %v, want %v", keys, want)
	}
	if _, err := loadText(t, filledIn()); err != nil {
		t.Errorf("filled in: %v", err)
	}
}

func TestExampleShowsEveryDefaultAsItIs(t *testing.T) {
	asIs, err := loadText(t, filledIn())
	if err != nil {
		t.Fatal(err)
	}
	if n := len(shown.FindAllString(filledIn(), -1)); n < 25 {
		t.Fatalf("only %d defaults are shown", n)
	}
	written, err := loadText(t, shown.ReplaceAllString(filledIn(), "$1"))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(written, asIs) {
		t.Errorf("the defaults written out:\n got %+v\nwant %+v", written, asIs)
	}
}

func TestExampleHasEveryKeyAndNoOther(t *testing.T) {
	var got []string
	table := ""
	text := shown.ReplaceAllString(Example(), "$1")
	bad := newDocument([]byte(text)).each(func(s statement) {
		if s.kind != unstable.KeyValue {
			table = s.path[0]
			return
		}
		got = append(got, table+"."+s.path[0])
	})
	if bad != nil {
		t.Fatalf("line %d: %s", bad.line, bad.message)
	}
	want := everyKey()
	if !slices.Equal(got, want) {
		t.Errorf("\n got %v\nwant %v", got, want)
	}
}

// everyKey names all keys in the order of their lists.
func everyKey() []string {
	var all []string
	for _, table := range tableNames() {
		keys := registerKeys(&Register{}, folder{})
		if table != registerTable {
			keys = tableKeys(table, &Config{}, folder{})
		}
		for _, k := range keys {
			all = append(all, table+"."+k.name)
		}
	}
	return all
}

func TestEveryCommentOfTheExampleFitsATerminal(t *testing.T) {
	for n, line := range strings.Split(Example(), "\n") {
		if len(line) > 82 || strings.TrimRight(line, " \t") != line {
			t.Errorf("line %d: %q", n+1, line)
		}
	}
}

func TestMisspeltNamesFindTheirNeighbourOnly(t *testing.T) {
	names := everyKey()
	for i, n := range names {
		_, names[i], _ = strings.Cut(n, ".")
	}
	for got, want := range map[string]string{
		"bse_url": "base_url", "base_ulr": "base_url", "BASE-URL": "base_url", "basse_urll": "base_url",
		"prot": "port", "ports": "port", "part": "port", "pqrst": "", "x": "", "": "",
		"levl": "level", "retentoin": "retention", "window_s": "window", strings.Repeat("a", 65): "",
	} {
		if found, ok := nearest(got, names); found != want || ok != (want != "") {
			t.Errorf("%s: got %q, want %q", got, found, want)
		}
	}
}
