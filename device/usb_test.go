package device

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// tree is a folder that stands for / with its sys and dev, as the kernel lays
// them out for ttys.
type tree struct {
	t    *testing.T
	root string
}

func newTree(t *testing.T) tree {
	tr := tree{t, t.TempDir()}
	tr.folder("sys/class/tty")
	tr.folder("dev")
	tr.folder("sys/devices/virtual/tty/tty0")
	tr.link("sys/devices/virtual/tty/tty0", "sys/class/tty/tty0")
	return tr
}

func (tr tree) folder(path string) {
	tr.t.Helper()
	if err := os.MkdirAll(filepath.Join(tr.root, path), 0o755); err != nil {
		tr.t.Fatal(err)
	}
}

func (tr tree) file(path, text string) {
	tr.t.Helper()
	if err := os.WriteFile(filepath.Join(tr.root, path), []byte(text+"\n"), 0o644); err != nil {
		tr.t.Fatal(err)
	}
}

func (tr tree) link(target, path string) {
	tr.t.Helper()
	if err := os.Symlink(filepath.Join(tr.root, target), filepath.Join(tr.root, path)); err != nil {
		tr.t.Fatal(err)
	}
}

// plug puts an adapter on a USB path such as "1-2".
func (tr tree) plug(usb, ids, serial string) {
	tr.t.Helper()
	device := "sys/devices/pci0000:00/usb1/" + usb
	tr.folder(device)
	vendor, product, _ := strings.Cut(ids, ":")
	tr.file(device+"/idVendor", vendor)
	tr.file(device+"/idProduct", product)
	if serial != "" {
		tr.file(device+"/serial", serial)
	}
}

// acm gives an adapter a tty on an interface, as the CDC-ACM driver does: the
// tty's device is the interface.
func (tr tree) acm(usb, number, tty string) {
	tr.t.Helper()
	face := "sys/devices/pci0000:00/usb1/" + usb + "/" + usb + ":1." + number
	tr.folder(face + "/tty/" + tty)
	tr.file(face+"/bInterfaceNumber", "0"+number)
	tr.link(face, face+"/tty/"+tty+"/device")
	tr.link(face+"/tty/"+tty, "sys/class/tty/"+tty)
}

// bridge gives an adapter a tty as the drivers of USB-to-serial chips do: the
// tty's device is a port below the interface.
func (tr tree) bridge(usb, number, tty string) {
	tr.t.Helper()
	face := "sys/devices/pci0000:00/usb1/" + usb + "/" + usb + ":1." + number
	port := face + "/" + tty
	tr.folder(port + "/tty/" + tty)
	tr.file(face+"/bInterfaceNumber", "0"+number)
	tr.link(port, port+"/tty/"+tty+"/device")
	tr.link(port+"/tty/"+tty, "sys/class/tty/"+tty)
}

// unplug takes an adapter and its ttys away.
func (tr tree) unplug(usb string, ttys ...string) {
	tr.t.Helper()
	for _, tty := range ttys {
		if err := os.Remove(filepath.Join(tr.root, "sys/class/tty", tty)); err != nil {
			tr.t.Fatal(err)
		}
	}
	if err := os.RemoveAll(filepath.Join(tr.root, "sys/devices/pci0000:00/usb1", usb)); err != nil {
		tr.t.Fatal(err)
	}
}

func (tr tree) found(port string) (string, error) {
	path, err := FindPort(tr.root, port)
	return strings.TrimPrefix(path, tr.root), err
}

// shelf has one of everything: a bridge, two of another kind, an ACM adapter
// with two interfaces behind a hub, a UART and a gadget that are not on USB.
func shelf(t *testing.T) tree {
	tr := newTree(t)
	tr.plug("1-1", "1d6b:0002", "hub")
	tr.plug("1-1/1-1.2", "0525:a4a7", "REG:7")
	tr.acm("1-1/1-1.2", "2", "ttyACM0")
	tr.acm("1-1/1-1.2", "0", "ttyACM1")
	tr.plug("1-3", "0403:6001", "A1B2C3")
	tr.bridge("1-3", "0", "ttyUSB1")
	tr.plug("1-4", "067b:2303", "")
	tr.bridge("1-4", "0", "ttyUSB0")
	tr.plug("1-5", "067b:2303", "")
	tr.bridge("1-5", "0", "ttyUSB2")
	tr.plug("1-6", "10c4:ea60", "0001")
	tr.bridge("1-6", "0", "ttyUSB3")
	tr.plug("1-7", "10c4:ea60", "0002")
	tr.bridge("1-7", "0", "ttyUSB10")
	for _, tty := range []string{"ttyS0", "ttyGS0"} {
		tr.folder("sys/devices/platform/" + tty + "/tty/" + tty)
		tr.link("sys/devices/platform/"+tty, "sys/devices/platform/"+tty+"/tty/"+tty+"/device")
		tr.link("sys/devices/platform/"+tty+"/tty/"+tty, "sys/class/tty/"+tty)
	}
	return tr
}

func TestPortIsFoundByTheIdsOfItsAdapter(t *testing.T) {
	tr := shelf(t)
	for port, want := range map[string]string{
		"usb:0403:6001":        "/dev/ttyUSB1",
		"usb:0403:6001:A1B2C3": "/dev/ttyUSB1",
		"usb:0525:A4A7":        "/dev/ttyACM1", // ids in capitals, the first interface
		"usb:0525:a4a7:REG:7":  "/dev/ttyACM1", // a serial number with a colon
		"usb:10c4:ea60:0002":   "/dev/ttyUSB10",
		"/dev/ttyGS0":          "/dev/ttyGS0",
		"/dev/serial/by-id/x":  "/dev/serial/by-id/x",
	} {
		if got, err := tr.found(port); got != want || err != nil {
			t.Errorf("%s: %q, %v; want %s", port, got, err, want)
		}
	}
}

func TestPortThatIsNotThereOrNotOneSaysWhatToDo(t *testing.T) {
	tr := shelf(t)
	for port, want := range map[string]struct {
		kind error
		says string
	}{
		"usb:1234:5678":       {fs.ErrNotExist, "plug the adapter in"},
		"usb:1d6b:0002":       {fs.ErrNotExist, "plug the adapter in"}, // a hub that ttys hang behind
		"usb:0403:6001:OTHER": {fs.ErrNotExist, `ttyUSB1 has "A1B2C3"`},
		"usb:0403:6001:a1b2c3": {
			fs.ErrNotExist, `ttyUSB1 has "A1B2C3"`},
		"usb:10c4:ea60": {ErrAmbiguous, `ttyUSB10 has "0002", ttyUSB3 has "0001"`},
		"usb:067b:2303": {ErrAmbiguous, "/dev/serial/by-path"},
		"usb:0403":      {nil, "usb:VID:PID"},
		"usb:0403:60":   {nil, "usb:VID:PID"},
		"usb:0403:60g1": {nil, "usb:VID:PID"},
		"usb:0403:6001:": {
			nil, "usb:VID:PID"},
	} {
		_, err := tr.found(port)
		if err == nil || want.kind != nil && !errors.Is(err, want.kind) || !strings.Contains(err.Error(), want.says) {
			t.Errorf("%s: %v, want %q", port, err, want.says)
		}
		if err != nil && !strings.Contains(err.Error(), "find port "+port) {
			t.Errorf("%s is not named: %v", port, err)
		}
	}
	if _, err := FindPort(filepath.Join(tr.root, "none"), "usb:0403:6001"); err == nil {
		t.Error("found something where there is no sysfs")
	}
}

// The kernel may take entries away between two looks at them.
func TestAnAdapterHalfGoneIsNotFound(t *testing.T) {
	tr := shelf(t)
	if err := os.RemoveAll(filepath.Join(tr.root, "sys/devices/pci0000:00/usb1/1-3")); err != nil {
		t.Fatal(err)
	}
	if got, err := tr.found("usb:0403:6001"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("found %q, %v", got, err)
	}
}
