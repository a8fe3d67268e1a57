package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

const (
	// pathLimitBytes is Linux's PATH_MAX without its NUL.
	pathLimitBytes = 4095
	// nameLimitBytes is Linux's NAME_MAX.
	nameLimitBytes = 255
	// socketLimitBytes is the length of sockaddr_un's path without its NUL.
	socketLimitBytes = 107
)

// folder is where relative paths start.
type folder struct {
	path        string // of the configuration, absolute
	credentials string // systemd's $CREDENTIALS_DIRECTORY, or empty
}

// file returns the absolute path of a file. The messages do not repeat what was
// written: it may be a secret in the wrong place.
func (f folder) file(s string) (string, error) {
	switch {
	case strings.HasPrefix(s, "~"):
		return "", errors.New("~ is not expanded here: write the path in full")
	case strings.HasPrefix(s, "$") || strings.Contains(s, "${"):
		return "", errors.New("variables are not expanded here: write the path in full, or for a key only its name in $CREDENTIALS_DIRECTORY")
	case strings.HasSuffix(s, "/"):
		return "", errors.New("names a folder: add the file's name")
	}
	if !filepath.IsAbs(s) {
		s = filepath.Join(f.path, s)
	}
	for name := range strings.SplitSeq(s, "/") {
		if len(name) > nameLimitBytes {
			return "", fmt.Errorf("has a part of %d bytes: no file's name is longer than %d", len(name), nameLimitBytes)
		}
	}
	return filepath.Clean(s), nil
}

// keyFile returns the absolute path of a key. A bare name that exists in
// systemd's credentials directory is the file there, also where a file of that
// name lies beside the configuration: who set LoadCredential= meant it, and it
// is the better kept of the two.
func (f folder) keyFile(s string) (string, error) {
	if filepath.IsAbs(f.credentials) && s == filepath.Base(s) && s != "." && s != ".." {
		path := filepath.Join(f.credentials, s)
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
	}
	return f.file(s)
}

// port returns the absolute path of a device, or the name of a USB adapter as
// it is.
func (f folder) port(s string) (string, error) {
	kind, rest, found := strings.Cut(s, ":")
	if !found || !strings.EqualFold(kind, "usb") {
		return f.file(s)
	}
	if _, _, _, ok := splitUSB(s); !ok {
		return "", fmt.Errorf(`want "usb:VID:PID" or "usb:VID:PID:SERIAL" with four hex digits each, as in "usb:0403:6001", got %s`, quoted(kind+":"+rest))
	}
	return s, nil
}

// splitUSB takes "usb:VID:PID" and "usb:VID:PID:SERIAL" apart. A serial number
// may hold colons itself.
func splitUSB(s string) (vendor, product, serial string, ok bool) {
	parts := strings.SplitN(s, ":", 4)
	if len(parts) < 3 || parts[0] != "usb" || !fourHex(parts[1]) || !fourHex(parts[2]) {
		return "", "", "", false
	}
	if len(parts) == 4 {
		serial = parts[3]
		if _, err := printable(serial); err != nil || serial == "" || len(serial) > 126 {
			return "", "", "", false
		}
	}
	return strings.ToLower(parts[1]), strings.ToLower(parts[2]), serial, true
}

func fourHex(s string) bool {
	_, err := strconv.ParseUint(s, 16, 16)
	return err == nil && len(s) == 4
}

// listen returns "unix:" and an absolute path, or a loopback address as it is.
func (f folder) listen(s string) (string, error) {
	if path, ok := strings.CutPrefix(s, "unix:"); ok {
		return f.socket(path)
	}
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		return "", fmt.Errorf(`want "unix:PATH", a loopback address such as "127.0.0.1:9650", or "" for none, got %s`, quoted(s))
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return "", fmt.Errorf("want a port from 0 to 65535, got %s", quoted(port))
	}
	if !isLoopback(host) {
		return "", fmt.Errorf(`would be open to the network: write "127.0.0.1:%s" and let a proxy guard it, got %s`, port, quoted(s))
	}
	return s, nil
}

func (f folder) socket(path string) (string, error) {
	if path == "" {
		return "", errors.New(`"unix:" needs a path: write for instance "unix:/run/posagent/status.sock"`)
	}
	path, err := f.file(path)
	if err != nil {
		return "", err
	}
	if len(path) > socketLimitBytes {
		return "", fmt.Errorf("makes a path of %d bytes: a socket's has at most %d", len(path), socketLimitBytes)
	}
	return "unix:" + path, nil
}

// isLoopback says whether a host is this machine, without asking any server.
func isLoopback(host string) bool {
	address, err := netip.ParseAddr(host)
	if err != nil {
		return strings.EqualFold(host, "localhost")
	}
	return address.IsLoopback()
}
