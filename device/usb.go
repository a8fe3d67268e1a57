package device

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// ErrAmbiguous says that a port named by USB ids is more than one adapter.
var ErrAmbiguous = errors.New("more than one such adapter is plugged in")

// usbPrefix begins a port that is named by the ids of its USB device.
const usbPrefix = "usb:"

// usbName is "usb:VID:PID" or "usb:VID:PID:SERIAL" taken apart.
type usbName struct {
	vendor, product string // four hex digits each, in lower case as sysfs has them
	serial          string // empty: any
}

// usbTTY is a tty of the kernel's that hangs on a USB device.
type usbTTY struct {
	name    string // as below /dev
	device  string // folder of the USB device in sysfs: one adapter, one folder
	number  int64  // of the interface within it
	serial  string
	matched bool // its serial number is the one wanted
}

// FindPort returns the device file of a port: of "usb:VID:PID[:SERIAL]" the tty
// of that adapter's first interface, of anything else the port itself. It reads
// root's /sys and opens no tty, so it disturbs nobody; root is "" but in tests.
//
// The error is fs.ErrNotExist where the adapter is not plugged in, and
// ErrAmbiguous where two are that the name fits.
func FindPort(root, port string) (string, error) {
	if !strings.HasPrefix(port, usbPrefix) {
		return port, nil
	}
	wanted, err := parseUSB(port)
	if err != nil {
		return "", fmt.Errorf("find port %s: %w", port, err)
	}
	all, err := listTTYs(filepath.Join(orRoot(root), "sys"), wanted)
	if err != nil {
		return "", fmt.Errorf("find port %s: %w", port, err)
	}
	tty, err := choose(all)
	if err != nil {
		return "", fmt.Errorf("find port %s: %w", port, err)
	}
	return filepath.Join(orRoot(root), "dev", tty.name), nil
}

func orRoot(root string) string { return cmp.Or(root, "/") }

func parseUSB(port string) (usbName, error) {
	parts := strings.SplitN(strings.TrimPrefix(port, usbPrefix), ":", 3)
	if len(parts) < 2 || !isUSBID(parts[0]) || !isUSBID(parts[1]) || len(parts) == 3 && parts[2] == "" {
		return usbName{}, errors.New(`want "usb:VID:PID" or "usb:VID:PID:SERIAL" with four hex digits each, as in "usb:0403:6001"`)
	}
	n := usbName{vendor: strings.ToLower(parts[0]), product: strings.ToLower(parts[1])}
	if len(parts) == 3 {
		n.serial = parts[2]
	}
	return n, nil
}

func isUSBID(text string) bool {
	_, err := strconv.ParseUint(text, 16, 16)
	return err == nil && len(text) == 4
}

// listTTYs lists the ttys on adapters with the wanted ids, with any serial
// number. An entry that vanishes while it is read has been unplugged.
func listTTYs(sys string, wanted usbName) ([]usbTTY, error) {
	class := filepath.Join(sys, "class", "tty")
	entries, err := os.ReadDir(class)
	if err != nil {
		return nil, fmt.Errorf("list the system's ttys: %w", err)
	}
	top, err := filepath.EvalSymlinks(sys)
	if err != nil {
		return nil, fmt.Errorf("list the system's ttys: %w", err)
	}
	var found []usbTTY
	for _, entry := range entries {
		hardware, err := filepath.EvalSymlinks(filepath.Join(class, entry.Name(), "device"))
		if err != nil {
			continue // a console or a pseudo terminal, behind which is no hardware
		}
		tty := usbTTY{name: entry.Name(), number: -1}
		if tty.climb(top, hardware) && tty.is(wanted) {
			found = append(found, tty)
		}
	}
	return found, nil
}

// climb goes from a tty's hardware up to the USB device it hangs on, noting the
// interface on the way; false where there is none.
func (t *usbTTY) climb(top, folder string) bool {
	for ; strings.HasPrefix(folder, top) && folder != top; folder = filepath.Dir(folder) {
		if number, err := strconv.ParseInt(attribute(folder, "bInterfaceNumber"), 16, 16); err == nil {
			t.number = number
		}
		if attribute(folder, "idVendor") != "" {
			t.device = folder
			t.serial = attribute(folder, "serial")
			return true
		}
	}
	return false
}

func (t *usbTTY) is(wanted usbName) bool {
	t.matched = wanted.serial == "" || wanted.serial == t.serial
	return attribute(t.device, "idVendor") == wanted.vendor && attribute(t.device, "idProduct") == wanted.product
}

// attribute reads a line of sysfs; what is not there is empty.
func attribute(folder, name string) string {
	text, err := os.ReadFile(filepath.Join(folder, name))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}

// choose takes the first interface of the one adapter that matched.
func choose(all []usbTTY) (usbTTY, error) {
	matched := slices.DeleteFunc(slices.Clone(all), func(t usbTTY) bool { return !t.matched })
	switch {
	case len(all) == 0:
		return usbTTY{}, fmt.Errorf("plug the adapter in, or name another port: %w", fs.ErrNotExist)
	case len(matched) == 0:
		return usbTTY{}, fmt.Errorf("plug that one in, or name the one that is there (%s): %w", serials(all), fs.ErrNotExist)
	}
	first := slices.MinFunc(matched, func(a, b usbTTY) int {
		return cmp.Or(cmp.Compare(a.number, b.number), cmp.Compare(len(a.name), len(b.name)), cmp.Compare(a.name, b.name))
	})
	for _, t := range matched {
		if t.device != first.device {
			return usbTTY{}, fmt.Errorf("%w: add the serial number of one (%s), or give a path below /dev/serial/by-path", ErrAmbiguous, serials(matched))
		}
	}
	return first, nil
}

// serials names the adapters of a list for the operator, each once.
func serials(list []usbTTY) string {
	var names []string
	for _, t := range list {
		names = append(names, fmt.Sprintf("%s has %q", t.name, t.serial))
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}
