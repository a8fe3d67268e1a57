package main

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"posagent/antom"
	"posagent/config"
)

// The files of a site.
const (
	siteConfig     = "posagent.toml"
	siteOurKey     = "private.pem"       // the agent's
	siteAntomKey   = "antom.pem"         // the stand-in's public key, for the agent
	siteAntomOwn   = "antom-private.pem" // its private half, for the stand-in
	siteSocket     = "status.sock"
	siteClientID   = "SANDBOX0000001"
	siteRegister   = "lane1"
	sitePortOfLine = "register0"
)

// site is a folder with everything that an agent and a stand-in for Antom need
// to work together: keys for both sides and a configuration. Nothing in it is
// worth anything.
type site struct {
	dir      string
	agentKey *rsa.PublicKey
	antomKey *rsa.PrivateKey
	cfg      config.Config
}

// plan is what a fresh site's configuration says.
type plan struct {
	baseURL    string
	port       string // of the one register, relative to the folder or absolute
	encryption string
	cipher     string
	payments   string // lines for the [payments] table
	antom      string // more lines for the [antom] table
	more       string // more lines for the register, and then tables of others
}

func (s site) configFile() string { return filepath.Join(s.dir, siteConfig) }

// openSite uses the site in dir, or makes one there if dir holds none. It never
// overwrites a file.
func openSite(dir string, p plan) (site, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return site{}, err
	}
	s := site{dir: dir}
	if _, err := os.Stat(s.configFile()); errors.Is(err, fs.ErrNotExist) {
		if err := s.make(p); err != nil {
			return site{}, err
		}
	} else if err != nil {
		return site{}, err
	}
	return s.read(p)
}

// make writes fresh keys and the configuration, the configuration last: a site
// that has one is whole.
func (s site) make(p plan) error {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return err
	}
	ours, err := antom.GenerateKey()
	if err != nil {
		return err
	}
	oursPEM, err := antom.EncodePrivateKey(ours)
	if err != nil {
		return err
	}
	theirs, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return err
	}
	theirsPKCS8, err := x509.MarshalPKCS8PrivateKey(theirs)
	if err != nil {
		return err
	}
	public, err := antom.EncodePublicKey(&theirs.PublicKey)
	if err != nil {
		return err
	}
	for _, f := range []struct {
		name string
		text []byte
		mode fs.FileMode
	}{
		{siteOurKey, oursPEM, 0o600},
		{siteAntomOwn, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: theirsPKCS8}), 0o600},
		{siteAntomKey, public, 0o644},
		{siteConfig, []byte(p.toml(s.dir)), 0o644},
	} {
		if err := writeNew(filepath.Join(s.dir, f.name), f.text, f.mode); err != nil {
			return err
		}
	}
	return nil
}

// writeNew writes a file that is not there yet.
func writeNew(path string, text []byte, mode fs.FileMode) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s is there already and is left alone; choose another folder, or move it away", path)
	}
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Close())
}

// siteListen is a site's status socket, in its folder unless that lies too deep: a
// socket's path has at most 107 bytes.
func siteListen(dir string) string {
	if len(filepath.Join(dir, siteSocket)) > 107 {
		return ""
	}
	return "unix:" + siteSocket
}

func (p plan) toml(dir string) string {
	return fmt.Sprintf(`# Made by posagent for its stand-in for Antom. No money moves, and the keys are
# worth nothing. posagent run -config posagent.toml takes this file as it is.

[antom]
base_url = %q
client_id = %q
private_key_file = %q
antom_public_key_file = %q
encryption = %q
cipher = %q
%s
[payments]
%s
[store]
path = "posagent.db"

[status]
listen = %q

[[register]]
name = %q
port = %q
%s`, p.baseURL, siteClientID, "./"+siteOurKey, "./"+siteAntomKey, p.encryption, p.cipher, p.antom,
		p.payments, siteListen(dir), siteRegister, p.port, p.more)
}

// read takes a site up, and refuses one that was made for another address.
func (s site) read(p plan) (site, error) {
	settings, err := loadSettings(s.configFile())
	if err != nil {
		return site{}, err
	}
	s.cfg, s.agentKey = settings.Config, settings.privateKey.Public()
	if s.cfg.Antom.BaseURL != p.baseURL {
		return site{}, fmt.Errorf("%s pays through %s, but the stand-in is at %s; use the address that stands there, or another folder",
			s.configFile(), s.cfg.Antom.BaseURL, p.baseURL)
	}
	path := filepath.Join(s.dir, siteAntomOwn)
	text, err := os.ReadFile(path)
	if err != nil {
		return site{}, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return site{}, fmt.Errorf("%s is no PEM file", path)
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return site{}, fmt.Errorf("%s: %w", path, err)
	}
	private, ok := key.(*rsa.PrivateKey)
	if !ok {
		return site{}, fmt.Errorf("%s holds no RSA key", path)
	}
	s.antomKey = private
	return s, nil
}
