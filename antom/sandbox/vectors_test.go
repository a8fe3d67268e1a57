package sandbox

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/url"
	"os"
	"testing"
)

type vector struct {
	Name, Method, URI, Time, Body, Signature, Plain, Key string
	ClientID                                             string `json:"clientId"`
	SymmetricKey                                         string `json:"symmetricKey"`
}

func readVectors(t *testing.T) (key *rsa.PublicKey, signatures, encryption []vector) {
	t.Helper()
	text, err := os.ReadFile("testdata/test-key.pub.pem")
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	text, err = os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Signatures, Encryption []vector }
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Signatures) != 3 || len(file.Encryption) != 1 {
		t.Fatalf("got %d signatures and %d encrypted bodies, want 3 and 1", len(file.Signatures), len(file.Encryption))
	}
	return parsed.(*rsa.PublicKey), file.Signatures, file.Encryption
}

func TestVectorSignaturesVerify(t *testing.T) {
	key, signatures, encryption := readVectors(t)
	for _, v := range append(signatures, encryption...) {
		content := func() []byte { return signedContent(v.Method, v.URI, v.ClientID, v.Time, []byte(v.Body)) }
		if err := verifySignature(key, content(), v.Signature); err != nil {
			t.Errorf("%s: %v", v.Name, err)
		}
		if _, err := parseStamp(v.Time); err != nil {
			t.Errorf("%s: %v", v.Name, err)
		}
		for i := 0; i < len(content()); i += 7 {
			bent := content()
			bent[i] ^= 0x20
			if verifySignature(key, bent, v.Signature) == nil {
				t.Fatalf("%s: byte %d may be changed", v.Name, i)
			}
		}
		if verifySignature(key, append(content(), '\n'), v.Signature) == nil {
			t.Errorf("%s: a line feed at the end is taken", v.Name)
		}
	}
}

func TestVectorBodyDecryptsAndEncryptsToTheSameBytes(t *testing.T) {
	_, _, encryption := readVectors(t)
	for _, v := range encryption {
		plain, err := decryptBody("ecb", []byte(v.Key), []byte(v.Body))
		if err != nil || string(plain) != v.Plain {
			t.Errorf("%s: got %q, %v", v.Name, plain, err)
		}
		body, err := encryptBody("ecb", []byte(v.Key), []byte(v.Plain))
		if err != nil || string(body) != v.Body {
			t.Errorf("%s: got %s, %v", v.Name, body, err)
		}
		if raw, err := unescapedBase64(v.SymmetricKey); err != nil || len(raw) != 256 {
			t.Errorf("%s: got a wrapped key of %d bytes, %v", v.Name, len(raw), err)
		}
	}
}

func TestVectorBodiesAreTakenAsRequests(t *testing.T) {
	_, signatures, encryption := readVectors(t)
	for call, plain := range map[string]string{callPay: encryption[0].Plain, callInquiryPayment: signatures[1].Body} {
		if _, err := parseRequest(call, []byte(plain), call == callPay); err != nil {
			t.Errorf("%s: %v", call, err)
		}
	}
}

func TestWhatIsEncryptedDecryptsInEveryMode(t *testing.T) {
	for _, mode := range []string{"ecb", "cbc", "gcm"} {
		for size := range 50 {
			key, plain := freshKey(), bytes.Repeat([]byte("x"), size)
			body, err := encryptBody(mode, key, plain)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := decryptBody(mode, key, body); err != nil || !bytes.Equal(got, plain) {
				t.Errorf("%s, %d bytes: got %q, %v", mode, size, got, err)
			}
		}
		if _, err := decryptBody(mode, freshKey(), []byte("AAAA")); err == nil {
			t.Errorf("%s: three bytes are taken as a body", mode)
		}
	}
}

func TestWrongPaddingIsRefused(t *testing.T) {
	for _, tail := range []string{"\x01\x02", "\x03\x03", "\x00\x00", "\x11\x11"} {
		key := freshKey()
		body, err := encryptBody("ecb", key, []byte("fourteen bytes"+tail))
		if err != nil {
			t.Fatal(err)
		}
		sealed, err := base64.StdEncoding.DecodeString(string(body))
		if err != nil {
			t.Fatal(err)
		}
		cut := base64.StdEncoding.EncodeToString(sealed[:16]) // without the block of true padding
		if plain, err := decryptBody("ecb", key, []byte(cut)); err == nil {
			t.Errorf("%q is taken as padding of %q", tail, plain)
		}
	}
}

func TestOnlyEscapedStandardBase64IsTaken(t *testing.T) {
	for value, want := range map[string]bool{
		"+/8=": false, "%2B%2F8%3D": true, "%2b%2f8%3d": true, "AA==": false, "AA%3D%3D": true, "AA": false,
		"-_8%3D": false, "AA%3D%3D%0A": false, "AA%3": false, "AB%3D%3D": false,
	} {
		if _, err := unescapedBase64(value); (err == nil) != want {
			t.Errorf("%s: got %v, want taken=%v", value, err, want)
		}
	}
}

func FuzzHeadersNeverPanic(f *testing.F) {
	f.Add("algorithm=RSA256, keyVersion=1, signature=a%3D%3D")
	f.Add("algorithm=RSA256,keyVersion=1,signature=a=b,")
	f.Fuzz(func(t *testing.T, value string) {
		part, err := parseKeyed("Signature", value, "RSA256", "signature")
		if err == nil && (part.value == "" || part.keyVersion < 1) {
			t.Errorf("%q: got %+v", value, part)
		}
		raw, err := unescapedBase64(part.value)
		plain, _ := url.QueryUnescape(part.value)
		if spelt := base64.StdEncoding.EncodeToString(raw); err == nil && spelt != plain {
			t.Errorf("%q decodes, and encodes to %q", plain, spelt)
		}
	})
}
