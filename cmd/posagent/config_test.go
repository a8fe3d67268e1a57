package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"posagent/antom"
)

// rewrite replaces the line of a file that starts with prefix.
func rewrite(t *testing.T, file, prefix, line string) {
	t.Helper()
	text, err := os.ReadFile(file)
	must(t, err)
	lines := strings.Split(string(text), "\n")
	found := false
	for i := range lines {
		if strings.HasPrefix(lines[i], prefix) {
			lines[i], found = line, true
		}
	}
	if !found {
		t.Fatalf("%s has no line that starts with %q", file, prefix)
	}
	must(t, os.WriteFile(file, []byte(strings.Join(lines, "\n")), 0o644))
}

func freshSite(t *testing.T) site {
	t.Helper()
	s, err := openSite(filepath.Join(t.TempDir(), "site"), plan{
		baseURL: "http://127.0.0.1:8345/openapi/v2", port: "register0", encryption: "rsa_aes", cipher: "ecb",
	})
	must(t, err)
	return s
}

func TestAFreshSiteIsRight(t *testing.T) {
	s := freshSite(t)
	if code, out, errs := output(t, "check", "-config", s.configFile()); code != exitDone || !strings.Contains(out, "is right") {
		t.Errorf("exit %d, %s%s", code, out, errs)
	}
}

// All faults at once, each with its line and what to do, exit 78, nothing started.
func TestAWrongConfigurationIsRefusedWhole(t *testing.T) {
	s := freshSite(t)
	must(t, os.Chmod(filepath.Join(s.dir, siteOurKey), 0o644))
	rewrite(t, s.configFile(), "cipher = ", `cipher = "rot13"`)
	rewrite(t, s.configFile(), "client_id = ", `client_id = 7`)
	rewrite(t, s.configFile(), "antom_public_key_file = ", `antom_public_key_file = "gone.pem"`)
	rewrite(t, s.configFile(), "name = ", "name = \"lane1\"\nbaut = 9600")
	for _, command := range []string{"run", "check"} {
		code, out, errs := output(t, command, "-config", s.configFile())
		if code != exitConfig || out != "" {
			t.Errorf("%s: exit %d and %q on standard output, want 78 and nothing", command, code, out)
		}
		for _, want := range []string{
			":6: antom.client_id:", "chmod 600", ":8: antom.antom_public_key_file", "gone.pem", ":10: antom.cipher:",
			"baut", "5 faults",
		} {
			if !strings.Contains(errs, want) {
				t.Errorf("%s does not say %q:\n%s", command, want, errs)
			}
		}
	}
	if _, err := os.Stat(filepath.Join(s.dir, "posagent.db")); err == nil {
		t.Error("a store was made")
	}
}

func TestAntomsKeySwappedWithOursIsNoticed(t *testing.T) {
	s := freshSite(t)
	ours, err := os.ReadFile(filepath.Join(s.dir, siteOurKey))
	must(t, err)
	public := publicHalf(t, ours)
	must(t, os.WriteFile(filepath.Join(s.dir, siteAntomKey), public, 0o644))
	code, _, errs := output(t, "run", "-config", s.configFile())
	if code != exitConfig || !strings.Contains(errs, "our own public key") {
		t.Errorf("exit %d: %s", code, errs)
	}
}

func TestAMissingConfigurationIs78(t *testing.T) {
	code, _, errs := output(t, "run", "-config", filepath.Join(t.TempDir(), "none.toml"))
	if code != exitConfig || !strings.Contains(errs, "none.toml") {
		t.Errorf("exit %d: %s", code, errs)
	}
}

func TestWrongUsageIs2AndHelpIs0(t *testing.T) {
	for _, c := range commands() {
		if code, out, _ := output(t, c.name, "-h"); code != exitDone || !strings.Contains(out, "Usage: posagent "+c.name) {
			t.Errorf("%s -h: exit %d, %q", c.name, code, out)
		}
		if code, _, errs := output(t, c.name, "-nonsense"); code != exitUsage || !strings.Contains(errs, "nonsense") {
			t.Errorf("%s -nonsense: exit %d, %q", c.name, code, errs)
		}
	}
	for _, args := range [][]string{{}, {"dance"}, {"run"}, {"check"}, {"register"}, {"demo", "x"}, {"sandbox", "x"}} {
		if code, _, errs := output(t, args...); code != exitUsage || errs == "" {
			t.Errorf("%v: exit %d, %q; want 2 and a word", args, code, errs)
		}
	}
}

// publicHalf is the public half of a private key, both in PEM.
func publicHalf(t *testing.T, private []byte) []byte {
	t.Helper()
	key, err := antom.ParsePrivateKey(private)
	must(t, err)
	public, err := antom.EncodePublicKey(key.Public())
	must(t, err)
	return public
}
