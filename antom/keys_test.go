package antom

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func asPEM(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func bare(der []byte) []byte { return []byte(base64.StdEncoding.EncodeToString(der) + "\n") }

func must[T any](v T, err error) T {
	if err != nil {
		panic("antom test: " + err.Error())
	}
	return v
}

func TestKeysAreReadInEveryForm(t *testing.T) {
	key := testPairs().ours
	pkcs8 := must(x509.MarshalPKCS8PrivateKey(key))
	pkcs1 := x509.MarshalPKCS1PrivateKey(key)
	spki := must(x509.MarshalPKIXPublicKey(&key.PublicKey))
	wrapped := strings.ReplaceAll(string(asPEM("X", pkcs8)), "-----BEGIN X-----\n", "")
	for name, text := range map[string][]byte{
		"PKCS#8 PEM":          asPEM("PRIVATE KEY", pkcs8),
		"PKCS#1 PEM":          asPEM("RSA PRIVATE KEY", pkcs1),
		"PKCS#8 bare":         bare(pkcs8),
		"PKCS#1 bare":         bare(pkcs1),
		"bare, in lines":      []byte(strings.ReplaceAll(wrapped, "-----END X-----\n", "")),
		"PEM with CRLF":       []byte(strings.ReplaceAll(string(asPEM("PRIVATE KEY", pkcs8)), "\n", "\r\n")),
		"PEM with a preamble": append([]byte("Bag Attributes\n"), asPEM("PRIVATE KEY", pkcs8)...),
	} {
		if got, err := ParsePrivateKey(text); err != nil || !got.key.Equal(key) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, text := range map[string][]byte{
		"SPKI PEM":     asPEM("PUBLIC KEY", spki),
		"SPKI bare":    bare(spki),
		"SPKI and BOM": append([]byte("\xef\xbb\xbf"), asPEM("PUBLIC KEY", spki)...),
		"PKCS#1 PEM":   asPEM("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(&key.PublicKey)),
		"PKCS#1 bare":  bare(x509.MarshalPKCS1PublicKey(&key.PublicKey)),
	} {
		if got, err := ParsePublicKey(text); err != nil || !got.Equal(&key.PublicKey) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWrongKeysAreNamedAsWhatTheyAre(t *testing.T) {
	key := testPairs().ours
	short := must(rsa.GenerateKey(rand.Reader, 1024))
	curve := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	private := asPEM("PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(key)))
	public := asPEM("PUBLIC KEY", must(x509.MarshalPKIXPublicKey(&key.PublicKey)))
	for _, c := range []struct {
		name, wantPrivate, wantPublic string
		text                          []byte
	}{
		{"swapped, public", "this is a public key", "", public},
		{"swapped, private", "", "this is a private key", private},
		{"swapped, bare", "this is a public key", "", bare(must(x509.MarshalPKIXPublicKey(&key.PublicKey)))},
		{"1024 bits", "1024 bits", "this is a private key", asPEM("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(short))},
		{"1024 bits, public", "this is a public key", "1024 bits", asPEM("PUBLIC KEY", must(x509.MarshalPKIXPublicKey(&short.PublicKey)))},
		{"curve", "elliptic curve", "elliptic curve", asPEM("PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(curve)))},
		{"empty", "empty", "empty", []byte(" \n")},
		{"prose", "neither PEM nor base64", "neither PEM nor base64", []byte("put the key here!")},
		{"base64 of prose", "no key of the forms", "no key of the forms", []byte("cHV0IHRoZSBrZXkgaGVyZQ==")},
		{"cut", "damaged PEM", "damaged PEM", private[:200]},
		{"two", "more than one", "more than one", append(append([]byte(nil), private...), public...)},
		{"passphrase", "passphrase", "passphrase", asPEM("ENCRYPTED PRIVATE KEY", []byte("x"))},
		{"certificate", "certificate", "certificate", asPEM("CERTIFICATE", []byte("x"))},
	} {
		_, err := ParsePrivateKey(c.text)
		wantError(t, c.name+" as private key", err, c.wantPrivate)
		_, err = ParsePublicKey(c.text)
		wantError(t, c.name+" as public key", err, c.wantPublic)
	}
}

// wantError wants an error that holds some words; "" wants none.
func wantError(t *testing.T, name string, err error, words string) {
	t.Helper()
	if (err == nil) != (words == "") || err != nil && !strings.Contains(err.Error(), words) {
		t.Errorf("%s: got %v, want %q", name, err, words)
	}
}

func TestPrivateKeyOpenToOthersIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "private.pem")
	text := must(EncodePrivateKey(&PrivateKey{testPairs().ours}))
	for mode, words := range map[os.FileMode]string{
		0o600: "", 0o400: "",
		0o640: "chmod 600 " + path, 0o604: "chmod 600 " + path, 0o620: "chmod 600 " + path, 0o644: "mode 0644",
	} {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		_, err := ReadPrivateKey(path)
		wantError(t, mode.String(), err, words)
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
}

func TestSystemdMayLetAGroupReadACredential(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "private.pem")
	if err := os.WriteFile(path, must(EncodePrivateKey(&PrivateKey{testPairs().ours})), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		credentials string
		mode        os.FileMode
		words       string
	}{
		{dir, 0o440, ""}, {dir + "/", 0o400, ""}, {dir, 0o460, "chmod 600"}, {dir, 0o444, "chmod 600"},
		{filepath.Dir(dir), 0o440, "chmod 600"}, {".", 0o440, "chmod 600"}, {"", 0o440, "chmod 600"},
	} {
		t.Setenv("CREDENTIALS_DIRECTORY", c.credentials)
		if err := os.Chmod(path, c.mode); err != nil {
			t.Fatal(err)
		}
		_, err := ReadPrivateKey(path)
		wantError(t, c.credentials+" "+c.mode.String(), err, c.words)
	}
}

func TestKeyFilesThatCannotBeReadAreNamed(t *testing.T) {
	dir := t.TempDir()
	missing, long := filepath.Join(dir, "missing.pem"), filepath.Join(dir, "long.pem")
	if err := os.WriteFile(long, make([]byte, maxKeyFile+1), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, words := range map[string]string{missing: "no such file", dir: "not a regular file", long: "no key file"} {
		_, err := ReadPrivateKey(path)
		wantError(t, path, err, words)
		_, err = ReadPublicKey(path)
		wantError(t, path, err, path)
	}
}

func TestFreshKeysComeBackFromTheirFiles(t *testing.T) {
	dir := t.TempDir()
	key, err := GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	private, public := filepath.Join(dir, "private.pem"), filepath.Join(dir, "public.pem")
	if err := os.WriteFile(private, must(EncodePrivateKey(key)), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(public, must(EncodePublicKey(key.Public())), 0o644); err != nil {
		t.Fatal(err)
	}
	readKey, err := ReadPrivateKey(private)
	if err != nil || !readKey.key.Equal(key.key) || key.key.N.BitLen() != 2048 {
		t.Errorf("private: %v", err)
	}
	readPublic, err := ReadPublicKey(public)
	if err != nil || !SamePair(key, readPublic) {
		t.Errorf("public: %v", err)
	}
	if SamePair(key, &testPairs().antom.PublicKey) {
		t.Error("a stranger's key counts as ours")
	}
}
