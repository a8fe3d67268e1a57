package antom

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
)

// keyBits is the length of every RSA key (Antom v2, headers: mandatory).
const keyBits = 2048

// PrivateKey is our RSA key. It prints, logs and encodes as a placeholder.
type PrivateKey struct{ key *rsa.PrivateKey }

// Public returns the half that is given to Antom.
func (k PrivateKey) Public() *rsa.PublicKey { return &k.key.PublicKey }

// String returns a placeholder.
func (k PrivateKey) String() string { return withheld("private key") }

// GoString returns a placeholder.
func (k PrivateKey) GoString() string { return k.String() }

// Format prints a placeholder under every verb.
func (k PrivateKey) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, k.String()) }

// LogValue logs a placeholder.
func (k PrivateKey) LogValue() slog.Value { return slog.StringValue(k.String()) }

// MarshalText encodes a placeholder; EncodePrivateKey is the way to store it.
func (k PrivateKey) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// GenerateKey makes a fresh key of 2048 bits.
func GenerateKey() (*PrivateKey, error) {
	key, err := rsa.GenerateKey(rand.Reader, keyBits)
	if err != nil {
		return nil, fmt.Errorf("make an RSA key: %w", err)
	}
	return &PrivateKey{key}, nil
}

// EncodePrivateKey returns the key as PEM, PKCS#8. What it returns is the
// secret itself: write it to a file of mode 0600 and nowhere else.
func EncodePrivateKey(k *PrivateKey) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(k.key)
	if err != nil {
		return nil, fmt.Errorf("encode the private key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// EncodePublicKey returns the key as PEM, SPKI.
func EncodePublicKey(pub *rsa.PublicKey) ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		return nil, fmt.Errorf("encode the public key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), nil
}

// SamePair reports whether pub is the public half of priv. Where pub should be
// Antom's key, that means the two public keys were swapped.
func SamePair(priv *PrivateKey, pub *rsa.PublicKey) bool {
	return priv != nil && pub != nil && priv.key.PublicKey.Equal(pub)
}
