package antom

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
)

func TestEveryLengthComesBackInEveryMode(t *testing.T) {
	key := []byte(testKey32)
	for _, mode := range []Cipher{CipherECB, CipherCBC, CipherGCM} {
		for n := range 70 {
			plain := bytes.Repeat([]byte{byte(n)}, n)
			body, err := mode.seal(key, plain)
			if err != nil {
				t.Fatal(err)
			}
			got, err := mode.open(key, body)
			if err != nil || !bytes.Equal(got, plain) {
				t.Fatalf("%s, %d bytes: got %x, %v", mode, n, got, err)
			}
		}
	}
}

func TestModesWithARandomStartNeverRepeat(t *testing.T) {
	for _, mode := range []Cipher{CipherCBC, CipherGCM} {
		one, _ := mode.seal([]byte(testKey32), []byte("same"))
		two, _ := mode.seal([]byte(testKey32), []byte("same"))
		if len(one) == 0 || bytes.Equal(one, two) {
			t.Errorf("%s: %s and %s", mode, one, two)
		}
	}
}

// Some encoders break base64 into lines; the signature covers the breaks.
func TestABodyInLinesOpens(t *testing.T) {
	body, err := CipherECB.seal([]byte(testKey32), []byte(paidBody))
	if err != nil {
		t.Fatal(err)
	}
	broken := append(append(append([]byte(nil), body[:76]...), "\r\n"...), append(body[76:], '\n')...)
	if plain, err := CipherECB.open([]byte(testKey32), broken); err != nil || string(plain) != paidBody {
		t.Errorf("got %q, %v", plain, err)
	}
}

func TestDamagedBodiesDoNotOpen(t *testing.T) {
	key, other := []byte(testKey32), []byte(strings.ToLower(testKey32))
	body := func(mode Cipher) []byte {
		b, err := mode.seal(key, []byte(paidBody))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for name, c := range map[string]struct {
		mode Cipher
		key  []byte
		body []byte
	}{
		"ecb empty":       {CipherECB, key, nil},
		"ecb not base64":  {CipherECB, key, []byte("<html>")},
		"ecb half block":  {CipherECB, key, []byte("QUJD")},
		"cbc iv alone":    {CipherCBC, key, []byte("MDEyMzQ1Njc4OWFiY2RlZg==")},
		"gcm short":       {CipherGCM, key, []byte("QUJD")},
		"gcm other key":   {CipherGCM, other, body(CipherGCM)},
		"gcm opened ecb":  {CipherGCM, key, body(CipherECB)},
		"ecb short key":   {CipherECB, key[:31], body(CipherECB)},
		"no such mode":    {"ctr", key, body(CipherECB)},
		"gcm byte turned": {CipherGCM, key, append([]byte("AAAA"), body(CipherGCM)[4:]...)},
	} {
		if plain, err := c.mode.open(c.key, c.body); err == nil {
			t.Errorf("%s: got %q", name, plain)
		}
	}
}

func TestWrongPaddingIsRefused(t *testing.T) {
	for _, tail := range []string{"\x00", "\x11", "\x03\x02", "a\x02", "\x10"} {
		block := append(bytes.Repeat([]byte("x"), 16-len(tail)), tail...)
		if got, err := unpad(block); err == nil {
			t.Errorf("%q: got %q", block, got)
		}
	}
}

func TestMessageKeysAre32AlphanumericAndFresh(t *testing.T) {
	form := regexp.MustCompile(`^[A-Za-z0-9]{32}$`)
	seen := map[string]bool{}
	for range 200 {
		key, err := newMessageKey()
		if err != nil || !form.Match(key) || seen[string(key)] {
			t.Fatalf("got %q, %v", key, err)
		}
		seen[string(key)] = true
	}
}

func TestWrappedKeyOpensForItsHolderOnly(t *testing.T) {
	p := testPairs()
	wrapped, err := wrapKey(&p.ours.PublicKey, []byte(testKey32))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := fromHeader(wrapped.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	if got, err := unwrapKey(&PrivateKey{p.ours}, raw); err != nil || string(got) != testKey32 {
		t.Errorf("got %q, %v", got, err)
	}
	if got, err := unwrapKey(&PrivateKey{p.stranger}, raw); err == nil {
		t.Errorf("a stranger reads %q", got)
	}
}
