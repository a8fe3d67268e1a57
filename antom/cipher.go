package antom

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"fmt"
)

// Encryption says whether bodies are encrypted.
type Encryption string

// The two values of Encryption.
const (
	EncryptionRSAAES Encryption = "rsa_aes" // a fresh AES key for every message, wrapped by RSA
	EncryptionOff    Encryption = "off"     // refused over plain http, save on loopback
)

// Cipher is the mode of AES-256. Antom publishes none.
type Cipher string

// The three values of Cipher.
const (
	CipherECB Cipher = "ecb" // PKCS#7 padding; what Antom's nearest kin do
	CipherCBC Cipher = "cbc" // PKCS#7 padding, a random IV before the ciphertext
	CipherGCM Cipher = "gcm" // a random nonce before the ciphertext, the tag after it
)

const keyCharacters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

// newMessageKey makes the 32 alphanumeric characters that encrypt one message.
func newMessageKey() ([]byte, error) {
	key := make([]byte, 0, 32)
	var some [40]byte // of which 31 in 32 will do
	for {
		if _, err := rand.Read(some[:]); err != nil {
			return nil, fmt.Errorf("make a message key: %w", err)
		}
		for _, one := range some {
			// 248 is the largest multiple of 62 in a byte: no character is favoured.
			if one < 248 {
				key = append(key, keyCharacters[one%62])
			}
			if len(key) == cap(key) {
				return key, nil
			}
		}
	}
}

// wrapKey encrypts a message key for the holder of pub.
func wrapKey(pub *rsa.PublicKey, key []byte) (secret, error) {
	//nolint:staticcheck // Antom's API uses PKCS #1 v1.5 and nothing else.
	wrapped, err := rsa.EncryptPKCS1v15(rand.Reader, pub, key)
	if err != nil {
		return secret{}, fmt.Errorf("wrap the message key: %w", err)
	}
	return newSecret("symmetric key", toHeader(wrapped)), nil
}

// unwrapKey decrypts a message key that was wrapped for us.
func unwrapKey(priv *PrivateKey, wrapped []byte) ([]byte, error) {
	//nolint:staticcheck // Antom's API uses PKCS #1 v1.5 and nothing else.
	key, err := rsa.DecryptPKCS1v15(nil, priv.key, wrapped)
	if err != nil {
		return nil, errors.New("its key was not wrapped for our public key")
	}
	return key, nil
}

// seal encrypts a body; the result is standard base64.
func (c Cipher) seal(key, plain []byte) ([]byte, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("encrypt: %w", err)
	}
	var sealed []byte
	switch c {
	case CipherECB:
		sealed = pad(plain)
		eachBlock(sealed, block.Encrypt)
	case CipherCBC:
		sealed = append(random(aes.BlockSize), pad(plain)...)
		iv, text := sealed[:aes.BlockSize], sealed[aes.BlockSize:]
		cipher.NewCBCEncrypter(block, iv).CryptBlocks(text, text)
	case CipherGCM:
		aead, err := cipher.NewGCMWithRandomNonce(block)
		if err != nil {
			return nil, fmt.Errorf("encrypt: %w", err)
		}
		sealed = aead.Seal(nil, nil, plain, nil)
	default:
		return nil, fmt.Errorf("encrypt: unknown cipher %q", string(c))
	}
	return base64.StdEncoding.AppendEncode(nil, sealed), nil
}

// open decrypts a body that seal, or Antom, encrypted. Its base64 may be broken
// into lines: the signature covers them, so it was Antom who broke them.
func (c Cipher) open(key, body []byte) ([]byte, error) {
	sealed, err := base64.StdEncoding.AppendDecode(nil, bytes.TrimSpace(body))
	if err != nil {
		return nil, errors.New("the body is not base64")
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, errors.New("its key has an impossible length")
	}
	switch c {
	case CipherECB:
		return openECB(block, sealed)
	case CipherCBC:
		return openCBC(block, sealed)
	case CipherGCM:
		return openGCM(block, sealed)
	}
	return nil, fmt.Errorf("unknown cipher %q", string(c))
}

func openECB(block cipher.Block, sealed []byte) ([]byte, error) {
	if !wholeBlocks(sealed) {
		return nil, errors.New("the body is not whole blocks")
	}
	eachBlock(sealed, block.Decrypt)
	return unpad(sealed)
}

func openCBC(block cipher.Block, sealed []byte) ([]byte, error) {
	if !wholeBlocks(sealed) || len(sealed) == aes.BlockSize {
		return nil, errors.New("the body is not an IV and whole blocks")
	}
	iv, text := sealed[:aes.BlockSize], sealed[aes.BlockSize:]
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(text, text)
	return unpad(text)
}

func openGCM(block cipher.Block, sealed []byte) ([]byte, error) {
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, err
	}
	plain, err := aead.Open(nil, nil, sealed, nil)
	if err != nil {
		return nil, errors.New("the body does not open under its key")
	}
	return plain, nil
}

func wholeBlocks(b []byte) bool { return len(b) > 0 && len(b)%aes.BlockSize == 0 }

// eachBlock works on every block alone, which is what ECB means.
func eachBlock(b []byte, work func(dst, src []byte)) {
	for ; len(b) > 0; b = b[aes.BlockSize:] {
		work(b[:aes.BlockSize], b[:aes.BlockSize])
	}
}

// pad returns a copy of plain with PKCS#7 padding.
func pad(plain []byte) []byte {
	n := aes.BlockSize - len(plain)%aes.BlockSize
	return append(bytes.Clone(plain), bytes.Repeat([]byte{byte(n)}, n)...)
}

func unpad(b []byte) ([]byte, error) {
	n := int(b[len(b)-1])
	if n < 1 || n > aes.BlockSize || !bytes.HasSuffix(b, bytes.Repeat([]byte{byte(n)}, n)) {
		return nil, errors.New("the padding is wrong: another key or another cipher")
	}
	return b[:len(b)-n], nil
}

// random returns n random bytes; crypto/rand never fails to fill them.
func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // documented never to return an error
	return b
}
