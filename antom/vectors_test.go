package antom

import (
	"crypto/rsa"
	"encoding/json"
	"os"
	"strings"
	"testing"
)

type vector struct {
	Name, Method, URI, ClientID, Time, Body, Signature string
	Plain, Key, SymmetricKey                           string
}

// readVectors reads the published vectors and the key they were made with.
func readVectors(t *testing.T) (signatures, encryption []vector, key *rsa.PublicKey) {
	t.Helper()
	text, err := os.ReadFile("testdata/vectors.json")
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
	key, err = ReadPublicKey("testdata/test-key.pub.pem")
	if err != nil {
		t.Fatal(err)
	}
	return file.Signatures, file.Encryption, key
}

func TestVectorSignaturesVerify(t *testing.T) {
	signatures, encryption, key := readVectors(t)
	keys := []*rsa.PublicKey{key}
	for _, v := range append(signatures, encryption...) {
		t.Run(v.Name, func(t *testing.T) {
			signature, err := headerBytes("algorithm=RSA256, keyVersion=1, signature="+v.Signature, "RSA256", "signature")
			if err != nil {
				t.Fatal(err)
			}
			ok := func(uri, clientID, stamp, body string, signature []byte) bool {
				return verify(keys, signedContent(uri, clientID, stamp, []byte(body)), signature)
			}
			if !ok(v.URI, v.ClientID, v.Time, v.Body, signature) {
				t.Fatal("the signature of the vector does not verify")
			}
			flipped := append([]byte(nil), signature...)
			flipped[100] ^= 1
			for what, held := range map[string]bool{
				"signature": ok(v.URI, v.ClientID, v.Time, v.Body, flipped),
				"cut":       ok(v.URI, v.ClientID, v.Time, v.Body, signature[:255]),
				"uri":       ok(v.URI+"/", v.ClientID, v.Time, v.Body, signature),
				"client id": ok(v.URI, v.ClientID+"1", v.Time, v.Body, signature),
				"time":      ok(v.URI, v.ClientID, strings.Replace(v.Time, "253", "254", 1)+" ", v.Body, signature),
				"body":      ok(v.URI, v.ClientID, v.Time, strings.Replace(v.Body, "a", "b", 1), signature),
				"line end":  ok(v.URI, v.ClientID, v.Time, v.Body+"\n", signature),
				"other key": verify([]*rsa.PublicKey{&testPairs().antom.PublicKey}, signedContent(v.URI, v.ClientID, v.Time, []byte(v.Body)), signature),
			} {
				if held {
					t.Errorf("the signature still verifies with another %s", what)
				}
			}
		})
	}
}

func TestVectorBodyEncryptsAndDecrypts(t *testing.T) {
	_, encryption, _ := readVectors(t)
	for _, v := range encryption {
		body, err := CipherECB.seal([]byte(v.Key), []byte(v.Plain))
		if err != nil || string(body) != v.Body {
			t.Errorf("%s: encrypted\n got %s, %v\nwant %s", v.Name, body, err, v.Body)
		}
		plain, err := CipherECB.open([]byte(v.Key), []byte(v.Body))
		if err != nil || string(plain) != v.Plain {
			t.Errorf("%s: decrypted\n got %s, %v\nwant %s", v.Name, plain, err, v.Plain)
		}
		wrapped, err := headerBytes("algorithm=RSA_AES,keyVersion=1,symmetricKey="+v.SymmetricKey, "RSA_AES", "symmetrickey")
		if err != nil || len(wrapped) != 256 {
			t.Errorf("%s: a wrapped key of %d bytes, %v, want 256", v.Name, len(wrapped), err)
		}
		spoilt := strings.Replace(v.Body, "IV", "VI", 1) + "AAAA"
		if _, err := CipherECB.open([]byte(v.Key), []byte(spoilt)); err == nil {
			t.Errorf("%s: a spoilt body decrypts", v.Name)
		}
	}
}

// The vectors hold what a request looks like; ours must look the same.
func TestVectorBodyIsWhatWeMarshal(t *testing.T) {
	signatures, encryption, _ := readVectors(t)
	got, err := json.Marshal(testPay())
	if err != nil || string(got) != encryption[0].Plain || string(got) != signatures[0].Body {
		t.Errorf("got %s, %v\nwant %s", got, err, encryption[0].Plain)
	}
}
