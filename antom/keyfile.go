package antom

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// maxKeyFile is many times the size of a 2048-bit key in PEM.
const maxKeyFile = 64 << 10

// ReadPrivateKey reads our private key from a file of any form that
// ParsePrivateKey takes. A file that others than its owner may read is
// refused, with the command that mends it. In $CREDENTIALS_DIRECTORY a group may
// read: there systemd lets the service in by an access list, which a mode shows
// as the group's bits.
func ReadPrivateKey(path string) (*PrivateKey, error) {
	text, mode, err := readKeyFile(path)
	if err != nil {
		return nil, fmt.Errorf("private key: %w", err)
	}
	others := os.FileMode(0o077)
	if isCredential(path) {
		others = 0o037
	}
	if mode.Perm()&others != 0 {
		return nil, fmt.Errorf("private key %s: others may read it (mode %04o): chmod 600 %s", path, mode.Perm(), path)
	}
	key, err := ParsePrivateKey(text)
	if err != nil {
		return nil, fmt.Errorf("private key %s: %w", path, err)
	}
	return key, nil
}

// isCredential reports whether systemd keeps the file for this process.
func isCredential(path string) bool {
	dir := os.Getenv("CREDENTIALS_DIRECTORY")
	return filepath.IsAbs(dir) && filepath.Dir(path) == filepath.Clean(dir)
}

// ReadPublicKey reads Antom's public key from a file of any form that
// ParsePublicKey takes.
func ReadPublicKey(path string) (*rsa.PublicKey, error) {
	text, _, err := readKeyFile(path)
	if err != nil {
		return nil, fmt.Errorf("public key: %w", err)
	}
	key, err := ParsePublicKey(text)
	if err != nil {
		return nil, fmt.Errorf("public key %s: %w", path, err)
	}
	return key, nil
}

func readKeyFile(path string) ([]byte, os.FileMode, error) {
	if st, err := os.Stat(path); err != nil { // before it is opened: a pipe would wait for whoever writes
		return nil, 0, err
	} else if !st.Mode().IsRegular() {
		return nil, 0, fmt.Errorf("%s is not a regular file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, err
	}
	defer func() { _ = f.Close() }() // only read from
	st, err := f.Stat()
	if err != nil {
		return nil, 0, err
	}
	text, err := io.ReadAll(io.LimitReader(f, maxKeyFile+1))
	if err != nil {
		return nil, 0, err
	}
	if len(text) > maxKeyFile {
		return nil, 0, fmt.Errorf("%s is longer than %d bytes, so no key file", path, maxKeyFile)
	}
	return text, st.Mode(), nil
}

// ParsePrivateKey reads an RSA key of 2048 bits, PKCS#8 or PKCS#1, as PEM or as
// bare base64. A public key is named as such.
func ParsePrivateKey(text []byte) (*PrivateKey, error) {
	found, err := parseKey(text)
	if err != nil {
		return nil, err
	}
	switch key := found.(type) {
	case *rsa.PrivateKey:
		if err := checkBits(key.N.BitLen()); err != nil {
			return nil, err
		}
		return &PrivateKey{key}, nil
	case *rsa.PublicKey:
		return nil, errors.New("this is a public key; our own private key is wanted here")
	}
	return nil, fmt.Errorf("this is %s; an RSA private key is wanted here", kindOf(found))
}

// ParsePublicKey reads an RSA key of 2048 bits, SPKI or PKCS#1, as PEM or as
// bare base64. A private key is named as such.
func ParsePublicKey(text []byte) (*rsa.PublicKey, error) {
	found, err := parseKey(text)
	if err != nil {
		return nil, err
	}
	switch key := found.(type) {
	case *rsa.PublicKey:
		if err := checkBits(key.N.BitLen()); err != nil {
			return nil, err
		}
		return key, nil
	case *rsa.PrivateKey:
		return nil, errors.New("this is a private key; Antom's public key is wanted here")
	}
	return nil, fmt.Errorf("this is %s; an RSA public key is wanted here", kindOf(found))
}

func checkBits(bits int) error {
	if bits != keyBits {
		return fmt.Errorf("the key has %d bits; Antom takes RSA keys of %d bits only", bits, keyBits)
	}
	return nil
}

func kindOf(key any) string {
	switch key.(type) {
	case *ecdsa.PrivateKey, *ecdsa.PublicKey:
		return "an elliptic curve key"
	case ed25519.PrivateKey, ed25519.PublicKey:
		return "an Ed25519 key"
	}
	return "a key of another kind"
}

// parseKey returns whatever key the text holds, in whichever of the forms.
func parseKey(text []byte) (any, error) {
	text = bytes.TrimSpace(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf")))
	if len(text) == 0 {
		return nil, errors.New("the file is empty")
	}
	if bytes.Contains(text, []byte("-----BEGIN")) {
		return parsePEM(text)
	}
	der, err := base64.StdEncoding.DecodeString(string(bytes.Join(bytes.Fields(text), nil)))
	if err != nil {
		return nil, errors.New("neither PEM nor base64")
	}
	return parseDER(der)
}

func parsePEM(text []byte) (any, error) {
	block, rest := pem.Decode(text)
	if block == nil {
		return nil, errors.New("damaged PEM")
	}
	if len(bytes.TrimSpace(rest)) != 0 {
		return nil, errors.New("more than one PEM block; put the one key alone into the file")
	}
	if block.Type == "ENCRYPTED PRIVATE KEY" || block.Headers["DEK-Info"] != "" {
		return nil, errors.New("the key is protected by a passphrase; store it without: openssl pkey -in OLD -out NEW")
	}
	if block.Type == "CERTIFICATE" {
		return nil, errors.New("this is a certificate; the key alone is wanted: openssl x509 -pubkey -noout -in OLD")
	}
	return parseDER(block.Bytes)
}

func parseDER(der []byte) (any, error) {
	if key, err := x509.ParsePKCS8PrivateKey(der); err == nil {
		return key, nil
	}
	if key, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return key, nil
	}
	if key, err := x509.ParsePKIXPublicKey(der); err == nil {
		return key, nil
	}
	if key, err := x509.ParsePKCS1PublicKey(der); err == nil {
		return key, nil
	}
	return nil, errors.New("no key of the forms PKCS#8, PKCS#1 or SPKI")
}
