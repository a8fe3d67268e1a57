package antom

import (
	"crypto/rand"
	"crypto/rsa"
	"strings"
	"testing"
)

func TestOptionsThatAreRefused(t *testing.T) {
	g := newGateway(t)
	p := testPairs()
	short := must(rsa.GenerateKey(rand.Reader, 1024))
	for name, c := range map[string]struct {
		change func(*Options)
		words  string
	}{
		"no url":             {func(o *Options) { o.BaseURL = "" }, "base url"},
		"ftp":                {func(o *Options) { o.BaseURL = "ftp://host/v2" }, "https://host/path"},
		"no host":            {func(o *Options) { o.BaseURL = "https:///v2" }, "https://host/path"},
		"user":               {func(o *Options) { o.BaseURL = "https://u:p@host/v2" }, "no user"},
		"query":              {func(o *Options) { o.BaseURL = "https://host/v2?x=1" }, "no query"},
		"fragment":           {func(o *Options) { o.BaseURL = "https://host/v2#" }, "no fragment"},
		"off over http":      {func(o *Options) { o.BaseURL, o.Encryption = "http://10.0.0.9:8344/v2", EncryptionOff }, "read along"},
		"off, not loopback":  {func(o *Options) { o.BaseURL, o.Encryption = "http://localhost.example/v2", EncryptionOff }, "read along"},
		"prefix":             {func(o *Options) { o.URIPrefix = "v2" }, "uri prefix"},
		"prefix in lines":    {func(o *Options) { o.URIPrefix = "/v2\nX" }, "uri prefix"},
		"prefix with query":  {func(o *Options) { o.URIPrefix = "/v2?a" }, "uri prefix"},
		"no client id":       {func(o *Options) { o.ClientID = "" }, "serial number"},
		"client id in lines": {func(o *Options) { o.ClientID = "a\r\nb" }, "printable ASCII"},
		"no private key":     {func(o *Options) { o.PrivateKey = nil }, "private key is missing"},
		"short private key":  {func(o *Options) { o.PrivateKey = &PrivateKey{short} }, "our private key: the key has 1024 bits"},
		"no antom key":       {func(o *Options) { o.AntomKeys = nil }, "one is needed"},
		"nil antom key":      {func(o *Options) { o.AntomKeys = []*rsa.PublicKey{nil} }, "key is missing"},
		"three antom keys":   {func(o *Options) { o.AntomKeys = append(o.AntomKeys, &p.next.PublicKey, &p.stranger.PublicKey) }, "3 public keys"},
		"short antom key":    {func(o *Options) { o.AntomKeys = []*rsa.PublicKey{&short.PublicKey} }, "1024 bits"},
		"our own public key": {func(o *Options) { o.AntomKeys = []*rsa.PublicKey{&p.ours.PublicKey} }, "is our own public key"},
		"key version":        {func(o *Options) { o.KeyVersion = 0 }, "key version 0"},
		"encryption":         {func(o *Options) { o.Encryption = "" }, `"rsa_aes" or "off"`},
		"cipher":             {func(o *Options) { o.Cipher = "" }, `"ecb", "cbc" or "gcm"`},
		"clock":              {func(o *Options) { o.Now = nil }, "clock"},
	} {
		o := g.options()
		c.change(&o)
		_, err := New(o)
		wantError(t, name, err, c.words)
		if err != nil && strings.Contains(err.Error(), "u:p") {
			t.Errorf("%s: the error tells a password: %v", name, err)
		}
	}
}

func TestAllFaultsOfTheOptionsComeAtOnce(t *testing.T) {
	_, err := New(Options{})
	if err == nil {
		t.Fatal("no error")
	}
	for _, words := range []string{"base url", "client id", "private key", "public key", "key version", "encryption", "clock"} {
		if !strings.Contains(err.Error(), words) {
			t.Errorf("%q is missing in: %v", words, err)
		}
	}
}

func TestOptionsThatAreTaken(t *testing.T) {
	g := newGateway(t)
	for name, change := range map[string]func(*Options){
		"https, off":     func(o *Options) { o.BaseURL, o.Encryption, o.Cipher = "https://host/openapi/v2", EncryptionOff, "" },
		"http, rsa_aes":  func(o *Options) { o.BaseURL = "http://10.0.0.9:8344/v2" },
		"loopback, off":  func(o *Options) { o.Encryption = EncryptionOff },
		"localhost, off": func(o *Options) { o.BaseURL, o.Encryption = "http://localhost:1/v2", EncryptionOff },
		"IPv6, off":      func(o *Options) { o.BaseURL, o.Encryption = "http://[::1]:1/v2", EncryptionOff },
		"two keys":       func(o *Options) { o.AntomKeys = append(o.AntomKeys, &testPairs().next.PublicKey) },
	} {
		o := g.options()
		change(&o)
		if _, err := New(o); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
