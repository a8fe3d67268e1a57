package main

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"posagent/antom"
)

// read returns a file's text.
func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	must(t, err)
	return string(text)
}

// askedJSON runs a command with -json and reads what it says into v.
func askedJSON(t *testing.T, v any, args ...string) (code int, stderr string) {
	t.Helper()
	code, out, errs := output(t, append(args, "-json")...)
	if out != "" {
		if err := json.Unmarshal([]byte(out), v); err != nil {
			t.Fatalf("%v: %v in %s", args, err, out)
		}
	}
	return code, errs
}

func TestAKeyIsMadeOnceAndNeverOverwritten(t *testing.T) {
	dir := t.TempDir()
	code, out, errs := output(t, "keys", "generate", "-dir", dir)
	if code != exitDone {
		t.Fatal(errs)
	}
	path := filepath.Join(dir, "private.pem")
	key, err := antom.ReadPrivateKey(path) // which refuses a file that others may read
	must(t, err)
	want, err := showPublic(keyOurs, path, key.Public())
	must(t, err)
	for _, part := range []string{want.Fingerprint, "\n" + want.Base64 + "\n", want.PEM, path} {
		if !strings.Contains(out, part) {
			t.Errorf("%q is missing in\n%s", part, out)
		}
	}
	if strings.Contains(out, "PRIVATE KEY") {
		t.Error("the private half is printed")
	}
	before := read(t, path)
	code, _, errs = output(t, "keys", "generate", "-dir", dir)
	if code != exitFailed || !strings.Contains(errs, "left alone") || read(t, path) != before {
		t.Errorf("again: exit %d, %s", code, errs)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestThePublicHalfIsWhatOpenSSLSays(t *testing.T) {
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Skip("no openssl")
	}
	s := freshSite(t)
	private := filepath.Join(s.dir, siteOurKey)
	der, err := exec.Command("openssl", "pkey", "-in", private, "-pubout", "-outform", "DER").Output()
	must(t, err)
	var list []keyShown
	if code, errs := askedJSON(t, &list, "keys", "show", private); code != exitDone || len(list) != 1 {
		t.Fatalf("exit %d, %s", code, errs)
	}
	if got, want := list[0].Base64, base64.StdEncoding.EncodeToString(der); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	sum, err := exec.Command("sh", "-c", "openssl pkey -in "+private+" -pubout -outform DER | sha256sum").Output()
	must(t, err)
	if got := list[0].Fingerprint; got != strings.Fields(string(sum))[0] {
		t.Errorf("got fingerprint %s, want %s", got, sum)
	}
	if code, errs := askedJSON(t, &list, "keys", "show", "-config", s.configFile()); code != exitDone || len(list) != 2 || list[1].Whose != keyAntom {
		t.Errorf("of a configuration: exit %d, %s, %+v", code, errs, list)
	}
}

func TestAntomsKeyIsTakenInEveryFormAndOnlyIfItIsOne(t *testing.T) {
	s := freshSite(t)
	path, config := filepath.Join(s.dir, siteAntomKey), s.configFile()
	pem := read(t, path)
	list, err := showConfigured(config)
	must(t, err)
	bare := list[1].Base64
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	must(t, err)
	tooSmall, err := antom.EncodePublicKey(&small.PublicKey)
	must(t, err)
	in := filepath.Join(t.TempDir(), "in")
	for name, c := range map[string]struct {
		text string
		want string // in the error; "" where it is taken
	}{
		"PEM": {pem, ""}, "one line": {bare, ""}, "folded": {bare[:60] + "\r\n" + bare[60:], ""},
		"our own":     {string(publicHalf(t, []byte(read(t, filepath.Join(s.dir, siteOurKey))))), "our own public key"},
		"our private": {read(t, filepath.Join(s.dir, siteOurKey)), "private key"},
		"short":       {string(tooSmall), "2048 bits"},
		"empty":       {"", "empty"}, "nonsense": {"hello", "neither PEM nor base64"},
	} {
		must(t, os.Remove(path))
		must(t, os.WriteFile(in, []byte(c.text), 0o600))
		code, _, errs := output(t, "keys", "import", "-config", config, in)
		if c.want == "" && (code != exitDone || read(t, path) != pem) {
			t.Errorf("%s: exit %d, %s", name, code, errs)
		}
		if c.want != "" && (code != exitFailed || !strings.Contains(errs, c.want)) {
			t.Errorf("%s: exit %d, %s", name, code, errs)
		}
		if _, err := os.Stat(path); (err == nil) != (c.want == "") {
			t.Errorf("%s: the file: %v", name, err)
		}
		must(t, os.WriteFile(path, []byte(pem), 0o644))
	}
}

func TestAnImportOverwritesNothingUnlessItIsToldTo(t *testing.T) {
	s := freshSite(t)
	path := filepath.Join(s.dir, siteAntomKey)
	before := read(t, path)
	in := filepath.Join(t.TempDir(), "in")
	must(t, os.WriteFile(in, publicHalf(t, freshPrivate(t)), 0o600))
	var got imported
	if code, errs := askedJSON(t, &got, "keys", "import", "-config", s.configFile(), in); code != exitDone || got.File == path {
		t.Fatalf("exit %d, %s, %+v", code, errs, got)
	}
	if read(t, path) != before || read(t, got.File) != read(t, in) || !strings.Contains(strings.Join(got.Next, "\n"), "keys believe") {
		t.Errorf("beside it: %+v", got)
	}
	if code, errs := askedJSON(t, &got, "keys", "import", "-config", s.configFile(), in); code != exitDone {
		t.Errorf("the same again: exit %d, %s", code, errs)
	}
	if code, errs := askedJSON(t, &got, "keys", "import", "-replace", "-config", s.configFile(), in); code != exitDone {
		t.Fatalf("exit %d, %s", code, errs)
	}
	if got.File != path || read(t, path) != read(t, in) || read(t, got.Kept) != before {
		t.Errorf("in its place: %+v", got)
	}
}

func freshPrivate(t *testing.T) []byte {
	t.Helper()
	key, err := antom.GenerateKey()
	must(t, err)
	text, err := antom.EncodePrivateKey(key)
	must(t, err)
	return text
}

func TestALineIsChangedAndNothingBesideIt(t *testing.T) {
	const text = "[antom]\n  private_key_file = \"a.pem\"   # ours\r\nantom_public_key_file = [\"x\", 'y'] # both\nkey_version=1\n"
	for _, c := range []struct {
		p         pair
		at, after int
		want      string
	}{
		{pair{"private_key_file", `"b.pem"`}, 2, 2, strings.Replace(text, `"a.pem"`, `"b.pem"`, 1)},
		{pair{"antom_public_key_file", `"z"`}, 3, 2, strings.Replace(text, `["x", 'y']`, `"z"`, 1)},
		{pair{"key_version", "2"}, 4, 2, strings.Replace(text, "=1", "=2", 1)},
		{pair{"uri_prefix", `"/x"`}, 0, 4, text + "uri_prefix = \"/x\"\n"},
	} {
		if got, err := withValue(text, c.p, c.at, c.after); err != nil || got != c.want {
			t.Errorf("%s: got %q, %v, want %q", c.p.key, got, err, c.want)
		}
	}
	for name, line := range map[string]string{"several lines": "key_version = [\n", "two on a line": `antom = {key_version = 1}`, "a text in three quotes": `key_version = """x"""`} {
		if got, err := withValue(line, pair{"key_version", "2"}, 1, 0); err == nil || !strings.Contains(err.Error(), "by hand") {
			t.Errorf("%s: got %q, %v", name, got, err)
		}
	}
}

func TestEveryKeysCommandHelpsAndRefusesWrongUsage(t *testing.T) {
	for _, k := range keysCommands() {
		words := strings.Fields(k.name)
		if code, out, _ := output(t, append(words, "-h")...); code != exitDone || !strings.Contains(out, "Usage: posagent "+k.name) {
			t.Errorf("%s -h: exit %d, %q", k.name, code, out)
		}
		if code, _, errs := output(t, words...); code != exitUsage || !strings.Contains(errs, k.name+" -h") {
			t.Errorf("%s: exit %d, %q", k.name, code, errs)
		}
	}
	if code, _, errs := output(t, "keys", "lose"); code != exitUsage || !strings.Contains(errs, "lose") {
		t.Errorf("keys lose: exit %d, %q", code, errs)
	}
}
