package main

import (
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"posagent/antom"
	"posagent/config"
)

// settings are a configuration with everything it names read and checked.
type settings struct {
	config.Config
	file       string
	privateKey *antom.PrivateKey
	antomKeys  []*rsa.PublicKey
	roots      *x509.CertPool // nil: the system's
}

// loadSettings reads a configuration and the keys it names. Every fault of the
// file and of the keys is in the one error, a *config.Faults.
func loadSettings(file string) (settings, error) {
	cfg, err := config.Load(file)
	var faults *config.Faults
	if err != nil && !errors.As(err, &faults) {
		return settings{}, err
	}
	if faults == nil {
		faults = &config.Faults{File: file}
	}
	s := settings{Config: cfg, file: file}
	s.readKeys(faults)
	s.readRoots(faults)
	if faults.Err() == nil {
		s.checkUse(faults)
	}
	return s, faults.Err()
}

// checkUse asks those who will work with the settings whether they would, so that
// nothing that is called right here is refused later.
func (s *settings) checkUse(faults *config.Faults) {
	for n, r := range s.Registers {
		if err := lineOf(r).Check(); err != nil {
			key := fmt.Sprintf("register[%d]", n)
			faults.Add(key, s.Line(key), "%v", err)
		}
	}
	if _, err := antom.New(clientOptions(*s, nil)); err != nil {
		faults.Add("antom", s.Line("antom"), "%s", inOneLine(err))
	}
}

func (s *settings) readKeys(faults *config.Faults) {
	const private = "antom.private_key_file"
	var err error
	if path := s.Antom.PrivateKeyFile; path != "" {
		if s.privateKey, err = antom.ReadPrivateKey(path); err != nil {
			faults.Add(private, s.Line(private), "%s", keyFault(path, err))
		}
	}
	for i, path := range s.Antom.AntomPublicKeyFiles {
		key := fmt.Sprintf("antom.antom_public_key_file[%d]", i)
		public, err := antom.ReadPublicKey(path)
		switch {
		case err != nil:
			faults.Add(key, s.Line(key), "%s", keyFault(path, err))
		case s.privateKey != nil && antom.SamePair(s.privateKey, public):
			faults.Add(key, s.Line(key), "%s is our own public key; put Antom's here: Antom shows it where you gave it yours", path)
		default:
			s.antomKeys = append(s.antomKeys, public)
		}
	}
}

// keyFault says what is wrong with a key file, and what to do where it is missing.
func keyFault(path string, err error) string {
	if errors.Is(err, fs.ErrNotExist) {
		return path + " is not there; put the key there, or name another file (paths start from this file's folder)"
	}
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Sprintf("%v for user %s; it belongs to the agent's user, and whoever else asks does so with sudo", err, loginName())
	}
	return err.Error()
}

func (s *settings) readRoots(faults *config.Faults) {
	const key = "antom.ca_file"
	if s.Antom.CAFile == "" {
		return
	}
	text, err := readCertificates(s.Antom.CAFile)
	if err != nil {
		faults.Add(key, s.Line(key), "%v", err)
		return
	}
	if s.roots, err = x509.SystemCertPool(); err != nil {
		s.roots = x509.NewCertPool()
	}
	if !s.roots.AppendCertsFromPEM(text) {
		faults.Add(key, s.Line(key), "%s holds no certificate in PEM form", s.Antom.CAFile)
	}
}

// readCertificates reads a file of them, which may hold all that a system believes. A
// pipe would wait for whoever writes, and a device may have no end.
func readCertificates(path string) ([]byte, error) {
	switch st, err := os.Stat(path); {
	case err != nil:
		return nil, err
	case !st.Mode().IsRegular() || st.Size() > maxCertificates:
		return nil, fmt.Errorf("%s is no ordinary file of at most %d bytes", path, maxCertificates)
	}
	return os.ReadFile(path)
}

// maxCertificates bounds a file of authorities; Debian's has a quarter of a megabyte.
const maxCertificates = 4 << 20

// remarks are what is allowed and yet worth a word: said at start and by check, so
// that nobody relies on what is not there.
func (s *settings) remarks() []string {
	var list []string
	if s.Payments.QuietTime < s.Payments.PayTimeout {
		list = append(list, fmt.Sprintf("payments.quiet_time (%v) is shorter than payments.pay_timeout (%v): "+
			"a payment could be called not paid while its request is still on the way", s.Payments.QuietTime, s.Payments.PayTimeout))
	}
	return list
}

// misconfigured says why a configuration can't be used.
func (c command) misconfigured(e env, file string, err error) int {
	var faults *config.Faults
	if !errors.As(err, &faults) {
		fmt.Fprintf(e.stderr, "posagent %s: %v%s\n", c.name, err, unreadable(err))
		return exitConfig
	}
	fmt.Fprintln(e.stderr, faults.Error())
	fmt.Fprintf(e.stderr, "posagent %s: nothing was started; %s has %s\n", c.name, file, count(len(faults.List), "fault"))
	return exitConfig
}

// unreadable is what to do about a configuration that can't be read.
func unreadable(err error) string {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return "; run it with sudo, or as the agent's user"
	case errors.Is(err, fs.ErrNotExist):
		return "; name the agent's configuration with -config: the package's is /etc/posagent/posagent.toml"
	}
	return ""
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
