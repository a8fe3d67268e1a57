package sandbox

import (
	"bytes"
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// keyBits is the only RSA size Antom takes (Antom v2, Signature header).
const keyBits = 2048

// signedContent is what a signature covers: no line feed at the end (Antom v1,
// sign a request).
func signedContent(method, uri, clientID, stamp string, body []byte) []byte {
	return append([]byte(method+" "+uri+"\n"+clientID+"."+stamp+"."), body...)
}

// verifySignature reports why value, URL-encoded base64 as on the wire, is not
// key's signature over content. A bare base64 value is refused: Antom asks for
// URL encoding, and 256 bytes in base64 always end in a sign that needs it.
func verifySignature(key *rsa.PublicKey, content []byte, value string) error {
	signature, err := unescapedBase64(value)
	if err != nil {
		return fmt.Errorf("signature: %w", err)
	}
	if len(signature) != keyBits/8 {
		return fmt.Errorf("signature has %d bytes, a 2048-bit key makes 256", len(signature))
	}
	sum := sha256.Sum256(content)
	if rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], signature) != nil {
		return errors.New("signature does not match method, uri, Client-Id, Request-Time and body")
	}
	return nil
}

// signContent returns the base64 of key's signature over content.
func signContent(key *rsa.PrivateKey, content []byte) (string, error) {
	sum := sha256.Sum256(content)
	signature, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:])
	if err != nil {
		return "", fmt.Errorf("sign: %w", err)
	}
	return base64.StdEncoding.EncodeToString(signature), nil
}

func unescapedBase64(value string) ([]byte, error) {
	if strings.ContainsAny(value, "+/=") {
		return nil, errors.New("not URL-encoded: +, / and = must be escaped")
	}
	plain, err := url.QueryUnescape(value)
	if err != nil {
		return nil, fmt.Errorf("not URL-encoded: %w", err)
	}
	return strictBase64(plain)
}

// strictBase64 takes standard base64 with padding and nothing else, line breaks
// neither, which encoding/base64 skips.
func strictBase64(text string) ([]byte, error) {
	raw, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || strings.ContainsAny(text, "\r\n") {
		return nil, errors.New("not standard base64 with padding and without line breaks")
	}
	return raw, nil
}

// keyLength is the length in characters of a message's symmetric key; its
// ASCII bytes are the AES-256 key.
const keyLength = 32

const keyAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

// freshKey makes the symmetric key of one answer.
func freshKey() []byte {
	key := make([]byte, 0, keyLength)
	var one [1]byte
	for len(key) < keyLength {
		_, _ = rand.Read(one[:]) // crypto/rand never returns an error
		if int(one[0]) < 4*len(keyAlphabet) {
			key = append(key, keyAlphabet[int(one[0])%len(keyAlphabet)])
		}
	}
	return key
}

// wrapKey encrypts a symmetric key for to, URL-encoded as in the Encrypt header.
// Antom's kin use PKCS #1 v1.5 padding here, whatever one thinks of it.
func wrapKey(to *rsa.PublicKey, key []byte) (string, error) {
	wrapped, err := rsa.EncryptPKCS1v15(rand.Reader, to, key) //nolint:staticcheck // Antom's choice
	if err != nil {
		return "", fmt.Errorf("wrap symmetric key: %w", err)
	}
	return url.QueryEscape(base64.StdEncoding.EncodeToString(wrapped)), nil
}

// unwrapKey opens the symmetricKey of an Encrypt header.
func unwrapKey(own *rsa.PrivateKey, value string) ([]byte, error) {
	wrapped, err := unescapedBase64(value)
	if err != nil {
		return nil, fmt.Errorf("symmetricKey: %w", err)
	}
	key, err := rsa.DecryptPKCS1v15(nil, own, wrapped) //nolint:staticcheck // Antom's choice
	if err != nil {
		return nil, errors.New("symmetricKey was not encrypted for Antom's public key")
	}
	if len(key) != keyLength || len(bytes.Trim(key, keyAlphabet)) != 0 {
		return nil, fmt.Errorf("symmetricKey is not %d letters and digits", keyLength)
	}
	return key, nil
}

// encryptBody encrypts one body with a 32-byte key. Mode ecb is AES with PKCS #7
// padding; cbc is the same behind a random IV; gcm is nonce, ciphertext and tag.
// The result is standard base64, as on the wire.
func encryptBody(mode string, key, plain []byte) ([]byte, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("encrypt: %w", err)
	}
	var sealed []byte
	switch mode {
	case "ecb":
		sealed = padded(plain)
		for at := 0; at < len(sealed); at += aes.BlockSize {
			block.Encrypt(sealed[at:], sealed[at:])
		}
	case "cbc":
		body := padded(plain)
		sealed = make([]byte, aes.BlockSize+len(body))
		_, _ = rand.Read(sealed[:aes.BlockSize]) // crypto/rand never returns an error
		cipher.NewCBCEncrypter(block, sealed[:aes.BlockSize]).CryptBlocks(sealed[aes.BlockSize:], body)
	case "gcm":
		aead, err := cipher.NewGCMWithRandomNonce(block)
		if err != nil {
			return nil, fmt.Errorf("encrypt: %w", err)
		}
		sealed = aead.Seal(nil, nil, plain, nil)
	default:
		panic("sandbox: cipher " + mode + " was let in")
	}
	return []byte(base64.StdEncoding.EncodeToString(sealed)), nil
}

// decryptBody undoes encryptBody.
func decryptBody(mode string, key, body []byte) ([]byte, error) {
	sealed, err := strictBase64(string(body))
	if err != nil {
		return nil, fmt.Errorf("body: %w", err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("decrypt: %w", err)
	}
	switch mode {
	case "ecb":
		return openECB(block, sealed)
	case "cbc":
		return openCBC(block, sealed)
	case "gcm":
		aead, err := cipher.NewGCMWithRandomNonce(block)
		if err != nil {
			return nil, fmt.Errorf("decrypt: %w", err)
		}
		plain, err := aead.Open(nil, nil, sealed, nil)
		if err != nil {
			return nil, errors.New("body is not AES-GCM under the symmetric key")
		}
		return plain, nil
	}
	panic("sandbox: cipher " + mode + " was let in")
}

func openECB(block cipher.Block, sealed []byte) ([]byte, error) {
	if len(sealed) == 0 || len(sealed)%aes.BlockSize != 0 {
		return nil, fmt.Errorf("body has %d bytes, not a positive multiple of 16", len(sealed))
	}
	plain := make([]byte, len(sealed))
	for at := 0; at < len(sealed); at += aes.BlockSize {
		block.Decrypt(plain[at:], sealed[at:])
	}
	return unpadded(plain)
}

func openCBC(block cipher.Block, sealed []byte) ([]byte, error) {
	if len(sealed) < 2*aes.BlockSize || len(sealed)%aes.BlockSize != 0 {
		return nil, fmt.Errorf("body has %d bytes, not an IV and a positive multiple of 16", len(sealed))
	}
	plain := make([]byte, len(sealed)-aes.BlockSize)
	cipher.NewCBCDecrypter(block, sealed[:aes.BlockSize]).CryptBlocks(plain, sealed[aes.BlockSize:])
	return unpadded(plain)
}

func padded(plain []byte) []byte {
	n := aes.BlockSize - len(plain)%aes.BlockSize
	return append(bytes.Clone(plain), bytes.Repeat([]byte{byte(n)}, n)...)
}

func unpadded(plain []byte) ([]byte, error) {
	n := int(plain[len(plain)-1])
	if n < 1 || n > aes.BlockSize || !bytes.Equal(plain[len(plain)-n:], bytes.Repeat([]byte{byte(n)}, n)) {
		return nil, errors.New("body does not end in PKCS #7 padding: wrong key or cipher")
	}
	return plain[:len(plain)-n], nil
}
