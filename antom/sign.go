package antom

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"strings"
)

const (
	maxHeaderValue = 8 << 10 // a signature and its names take some 450 bytes
	maxHeaderParts = 16
)

// signedContent is what a signature covers (Antom v1, digital signature): the
// bytes on the wire under the path, the Client-Id and the time they go with.
func signedContent(uri, clientID, stamp string, body []byte) []byte {
	head := "POST " + uri + "\n" + clientID + "." + stamp + "."
	return append([]byte(head), body...)
}

// sign returns the value of a signature: RSASSA-PKCS1-v1_5 with SHA-256, in
// base64, URL-encoded.
func sign(key *PrivateKey, content []byte) (secret, error) {
	sum := sha256.Sum256(content)
	raw, err := rsa.SignPKCS1v15(rand.Reader, key.key, crypto.SHA256, sum[:])
	if err != nil {
		return secret{}, fmt.Errorf("sign: %w", err)
	}
	return newSecret("signature", toHeader(raw)), nil
}

// verify reports whether one of the keys made the signature over content.
func verify(keys []*rsa.PublicKey, content, signature []byte) bool {
	sum := sha256.Sum256(content)
	for _, key := range keys {
		if rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], signature) == nil {
			return true
		}
	}
	return false
}

// toHeader encodes bytes for a header list: base64, then URL-encoded.
func toHeader(raw []byte) string {
	return url.QueryEscape(base64.StdEncoding.EncodeToString(raw))
}

// fromHeader decodes what toHeader encodes, URL-encoded or not, and nothing else:
// no line breaks, no bits left over. A plus is kept: it is base64, never a space.
func fromHeader(value string) ([]byte, error) {
	if strings.Contains(value, "%") {
		plain, err := url.PathUnescape(value)
		if err != nil {
			return nil, errors.New("damaged URL encoding")
		}
		value = plain
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(value)
	if err != nil || strings.ContainsAny(value, "\r\n") { // which encoding/base64 skips
		return nil, errors.New("damaged base64")
	}
	return raw, nil
}

// headerList reads "algorithm=RSA256, keyVersion=1, signature=…": parts between
// commas, each split at its first "=". Names come back in lower case. A name
// given twice is refused, since no two readers would agree which one counts.
func headerList(value string) (map[string]string, error) {
	if len(value) > maxHeaderValue {
		return nil, errors.New("header too long")
	}
	list := make(map[string]string)
	for part := range strings.SplitSeq(value, ",") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		name, text, ok := strings.Cut(part, "=")
		name = strings.ToLower(strings.TrimSpace(name))
		if !ok || name == "" {
			return nil, errors.New("header part without a name and a value")
		}
		if _, twice := list[name]; twice || len(list) == maxHeaderParts {
			return nil, errors.New("header part given twice, or too many of them")
		}
		list[name] = strings.TrimSpace(text)
	}
	return list, nil
}

// headerBytes reads the member that matters of a Signature or Encrypt header,
// and refuses another algorithm than the one of the API.
func headerBytes(value, algorithm, member string) ([]byte, error) {
	list, err := headerList(value)
	if err != nil {
		return nil, err
	}
	if used, ok := list["algorithm"]; ok && !strings.EqualFold(used, algorithm) {
		return nil, fmt.Errorf("algorithm %q, not %s", clip(used, 32), algorithm)
	}
	if list[member] == "" {
		return nil, fmt.Errorf("no %s in the header", member)
	}
	return fromHeader(list[member])
}
