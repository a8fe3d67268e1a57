package main

import (
	"debug/buildinfo"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// described builds posagent and describes it.
func described(t *testing.T) (document map[string]any, notices string, info *buildinfo.BuildInfo) {
	t.Helper()
	dir := t.TempDir()
	// Read, so that the Go command does not take an old result for other modules'.
	if _, err := os.ReadFile(filepath.Join("..", "..", "go.sum")); err != nil {
		t.Fatal(err)
	}
	j := job{binary: filepath.Join(dir, "posagent"), compiler: "gcc", copyright: filepath.Join(dir, "libc"),
		version: "0.1.0", date: time.Unix(1764111111, 0).UTC()}
	if _, err := exec.LookPath(j.compiler); err != nil {
		t.Skip("no gcc")
	}
	if out, err := exec.Command("go", "build", "-o", j.binary, "posagent/cmd/posagent").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if err := os.WriteFile(j.copyright, []byte("the C library's notice\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	bom := filepath.Join(dir, "bom")
	if err := j.write(bom, bom+".notices"); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(bom)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	kept, err := os.ReadFile(bom + ".notices")
	if err != nil {
		t.Fatal(err)
	}
	if info, err = buildinfo.ReadFile(j.binary); err != nil {
		t.Fatal(err)
	}
	return document, string(kept), info
}

func TestTheBillListsEverythingLinkedInWithItsLicence(t *testing.T) {
	document, notices, info := described(t)
	if len(info.Deps) < 4 {
		t.Fatalf("only %d modules were read", len(info.Deps))
	}
	parts := map[string]map[string]any{}
	for _, c := range document["components"].([]any) {
		c := c.(map[string]any)
		parts[c["name"].(string)] = c
	}
	for _, m := range info.Deps {
		c := parts[m.Path]
		if c == nil || c["version"] != m.Version || c["purl"] != "pkg:golang/"+m.Path+"@"+m.Version {
			t.Errorf("%s %s: got %v", m.Path, m.Version, c)
		}
		if text, _ := json.Marshal(c["properties"]); !strings.Contains(string(text), m.Sum) {
			t.Errorf("%s: its sum %s is not in %s", m.Path, m.Sum, text)
		}
	}
	for _, name := range []string{"std", "sqlite", "glibc", "libgcc"} {
		if parts[name] == nil {
			t.Errorf("%s is missing", name)
		}
	}
	for name, c := range parts {
		if len(c["licenses"].([]any)) != 1 || !strings.Contains(notices, "\n"+name+" ") {
			t.Errorf("%s has no licence or no notice", name)
		}
	}
	for _, line := range []string{"Yasuhiro Matsumoto", "The Go Authors", "the C library's notice", "GCC Runtime"} {
		if !strings.Contains(notices, line) {
			t.Errorf("the notices lack %q", line)
		}
	}
}

// What CycloneDX 1.6 demands of the fields we fill.
func TestTheBillIsCycloneDX(t *testing.T) {
	document, _, _ := described(t)
	for key, want := range map[string]any{"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1.0} {
		if document[key] != want {
			t.Errorf("%s: got %v, want %v", key, document[key], want)
		}
	}
	uuid := regexp.MustCompile(`^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)
	if s, _ := document["serialNumber"].(string); !uuid.MatchString(s) {
		t.Errorf("serialNumber: got %q", s)
	}
	meta := document["metadata"].(map[string]any)
	if _, err := time.Parse(time.RFC3339, meta["timestamp"].(string)); err != nil {
		t.Errorf("timestamp: %v", err)
	}
	top := meta["component"].(map[string]any)
	refs := map[string]bool{}
	for _, c := range append(document["components"].([]any), top) {
		c := c.(map[string]any)
		ref := c["bom-ref"].(string)
		if kind := c["type"]; refs[ref] || c["name"] == "" || kind != "library" && kind != "application" {
			t.Errorf("twice, nameless or of no kind: %v", c)
		}
		refs[ref] = true
	}
	for _, d := range document["dependencies"].([]any) {
		d := d.(map[string]any)
		for _, ref := range append(d["dependsOn"].([]any), d["ref"]) {
			if !refs[ref.(string)] {
				t.Errorf("a dependency on %v, which is not listed", ref)
			}
		}
	}
	sum := top["hashes"].([]any)[0].(map[string]any)
	if ok, _ := regexp.MatchString(`^[0-9a-f]{64}$`, sum["content"].(string)); !ok || sum["alg"] != "SHA-256" {
		t.Errorf("hash: got %v", sum)
	}
}

func TestALicenceNobodyLookedAtIsRefused(t *testing.T) {
	dir := t.TempDir()
	if _, _, err := licenceIn(dir); err == nil {
		t.Error("a module without a licence was taken")
	}
	for text, want := range map[string]string{
		"GNU Affero General Public License":                                   "",
		"All rights reserved.":                                                "",
		"Apache License\n  Version 2.0, January 2004":                         "Apache-2.0",
		"Redistribution and use in source and binary\nforms, with or without": "BSD-2-Clause",
	} {
		if err := os.WriteFile(filepath.Join(dir, "LICENSE"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, got, err := licenceIn(dir)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: got %q, %v, want %q", text, got, err, want)
		}
	}
}
