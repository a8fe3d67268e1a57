// Package config reads posagent's one configuration file, checks it, and
// returns plain values.
//
// A file passes three stages, each in its own file here: document.go cuts the
// TOML into headings and keys with their lines, reader.go finds each key in the
// table of keys.go, whose setters (setters.go and the checks beside it) judge
// the value, and crosscheck.go looks at what only two keys together can get wrong.
// Nothing stops at the first fault: an operator corrects a file once.
//
// The package opens no file but the configuration itself. Whether keys can be
// read or ports exist is for those who use them; Faults takes their findings
// too, so that everything is still said at once.
package config

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// Config is a whole configuration. Keys that the file leaves out have their
// defaults, and so have keys with a fault; a required key that is missing or
// faulty is empty.
type Config struct {
	Antom    Antom
	Payments Payments
	Store    Store
	// Registers are in the order of the file.
	Registers []Register
	Status    Status
	Log       Log

	lines map[string]int
}

// Antom says whom to pay through and with which keys.
type Antom struct {
	// BaseURL is scheme, host and base path, without a slash at the end: the
	// path of a call is appended to it.
	BaseURL string
	// ClientID is the Client-Id header, 1 to 128 printable ASCII characters
	// without a space; for a terminal its serial number.
	ClientID string
	// PrivateKeyFile is the absolute path of our own private key.
	PrivateKeyFile string
	// AntomPublicKeyFiles are the absolute paths of one or two public keys of
	// Antom's, never of our own; two while a key is being changed.
	AntomPublicKeyFiles []string
	// KeyVersion is the keyVersion of the Signature and Encrypt headers, from 1.
	KeyVersion int
	// Encryption is "rsa_aes" or "off". It is never "off" over plain http to
	// another machine.
	Encryption string
	// Cipher is "ecb", "cbc" or "gcm".
	Cipher string
	// URIPrefix is signed in place of BaseURL's path; empty where the path
	// itself is signed. It starts with a slash and ends without one.
	URIPrefix string
	// SendExtendInfo says whether every request carries extendInfo.
	SendExtendInfo bool
	// CAFile is the absolute path of further root certificates, or empty.
	CAFile string
}

// Payments says how long to try, to wait and to remember.
type Payments struct {
	// Window is how long after it was stored a payment may still be made.
	Window time.Duration
	// PayTimeout bounds one attempt to pay.
	PayTimeout time.Duration
	// InquiryTimeout bounds one question about a payment.
	InquiryTimeout time.Duration
	// InquiryInterval is the time between the first questions.
	InquiryInterval time.Duration
	// RefundTimeout bounds one attempt to refund.
	RefundTimeout time.Duration
	// QuietTime is how long an unanswered attempt may still arrive; the
	// PayTimeout unless the file says otherwise.
	QuietTime time.Duration
	// Methods are the values of paymentMethod that are allowed; empty: any.
	Methods []string
	// AfterTimeout is "resubmit" or "inquire".
	AfterTimeout string
	// LateAbort is "refund" or "keep".
	LateAbort string
	// Retention is how long rows stay.
	Retention time.Duration
}

// Store says where payments are kept.
type Store struct {
	// Path is the absolute path of the database file.
	Path string
}

// Register is one cash register and its line (register-link §1).
type Register struct {
	// Name is 1 to 32 printable ASCII characters, unlike any other register's.
	Name string
	// Port is an absolute path, or "usb:VID:PID" or "usb:VID:PID:SERIAL" as
	// the file has it.
	Port string
	// Baud is 300 to 921600 bits a second.
	Baud int
	// DataBits is 7 or 8.
	DataBits int
	// Parity is "none", "even" or "odd".
	Parity string
	// StopBits is 1 or 2.
	StopBits int
	// AckGap is the pause after an acknowledgement, 0 to 1 s (register-link §2).
	AckGap time.Duration
	// Record is the absolute path of a file to keep the session in, or empty.
	Record string
}

// Status says where the agent tells how it is.
type Status struct {
	// Listen is empty for nowhere, "unix:" and an absolute path, or host:port
	// on the loopback interface.
	Listen string
}

// Log says what is logged and how.
type Log struct {
	// Level is "debug", "info", "warn" or "error".
	Level string
	// Format is "text" or "json".
	Format string
}

// fileLimitBytes bounds a configuration file; a real one has a few kilobytes.
const fileLimitBytes = 1 << 20

// Load reads and checks the file at path. Relative paths in it are taken from
// the folder that path names, also where path is a symbolic link.
//
// The error is a *Faults where the file was read but is not right; Config is
// then filled as far as the file allows, so that the caller can add findings
// of its own before reporting. Any other error means that the file could not
// be read, and Config is empty.
func Load(path string) (Config, error) {
	text, err := readFile(path)
	if err != nil {
		return Config{}, fmt.Errorf("read configuration: %w", err)
	}
	absolute, err := filepath.Abs(path)
	if err != nil {
		return Config{}, fmt.Errorf("find the folder of %s: %w", path, err)
	}
	faults := &Faults{File: path}
	c := read(text, folder{
		path:        filepath.Dir(absolute),
		credentials: os.Getenv("CREDENTIALS_DIRECTORY"),
	}, faults)
	return c, faults.Err()
}

// Line returns the line of a key in the file, or 0 where the file does not
// have it. Keys are spelt as in faults: "antom.private_key_file",
// "register[0].port" and, for the items of a list, "payments.methods[2]"; a
// single antom_public_key_file is item 0 also where it is no list. A table
// ("antom", "register[0]") has the line of its heading.
func (c Config) Line(key string) int { return c.lines[key] }

// readFile returns at most one byte more than a file may have, so that a file
// that is too long is noticed and an endless one does not fill the memory. What is
// no ordinary file is not opened: of a pipe that would wait for whoever writes.
func readFile(path string) ([]byte, error) {
	switch st, err := os.Stat(path); {
	case err != nil:
		return nil, err
	case !st.Mode().IsRegular() && !st.IsDir(): // reading a folder fails by itself
		return nil, fmt.Errorf("%s is no ordinary file; give the configuration in one", path)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // only read from: nothing can be lost
	return io.ReadAll(io.LimitReader(file, fileLimitBytes+1))
}
