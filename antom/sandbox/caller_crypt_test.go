package sandbox_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"net/url"
)

// open decrypts an answer, or returns nil.
func (g *rig) open(wrapped string, body []byte) []byte {
	text, _ := url.QueryUnescape(wrapped)
	raw, _ := base64.StdEncoding.DecodeString(text)
	key, err := rsa.DecryptPKCS1v15(nil, merchantKey(), raw)
	if err != nil || len(key) != 32 {
		return nil
	}
	sealed, err := base64.StdEncoding.DecodeString(string(body))
	if err != nil || len(sealed) < 16 {
		return nil
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil
	}
	if g.cipher == "gcm" {
		aead, err := cipher.NewGCM(block)
		if err != nil {
			return nil
		}
		plain, err := aead.Open(nil, sealed[:12], sealed[12:], nil)
		if err != nil {
			return nil
		}
		return plain
	}
	previous := make([]byte, 16)
	if g.cipher == "cbc" {
		previous, sealed = sealed[:16], sealed[16:]
	}
	var plain []byte
	for ; len(sealed) >= 16; sealed = sealed[16:] {
		one := make([]byte, 16)
		block.Decrypt(one, sealed[:16])
		if g.cipher == "cbc" {
			for i := range one {
				one[i] ^= previous[i]
			}
			previous = sealed[:16]
		}
		plain = append(plain, one...)
	}
	return plain[:len(plain)-int(plain[len(plain)-1])]
}

func (g *rig) encrypt(key, plain []byte) []byte {
	block, err := aes.NewCipher(key)
	if err != nil {
		g.t.Fatal(err)
	}
	if g.cipher == "gcm" {
		aead, err := cipher.NewGCM(block)
		if err != nil {
			g.t.Fatal(err)
		}
		nonce := []byte(rand.Text()[:12])
		return aead.Seal(nonce, nonce, plain, nil)
	}
	n := 16 - len(plain)%16
	plain = append(bytes.Clone(plain), bytes.Repeat([]byte{byte(n)}, n)...)
	previous, sealed := make([]byte, 16), []byte(nil)
	if g.cipher == "cbc" {
		previous = []byte(rand.Text()[:16])
		sealed = bytes.Clone(previous)
	}
	for ; len(plain) > 0; plain = plain[16:] {
		one := bytes.Clone(plain[:16])
		if g.cipher == "cbc" {
			for i := range one {
				one[i] ^= previous[i]
			}
		}
		block.Encrypt(one, one)
		previous, sealed = one, append(sealed, one...)
	}
	return sealed
}
