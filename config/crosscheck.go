package config

import (
	"fmt"
	"net/url"
	"strings"
)

// crossCheck reports what is wrong only with two keys together. Values with
// faults of their own are empty or defaults by now and raise no second one.
func crossCheck(c Config, faults *Faults) {
	checkEncryption(c, faults)
	for n, register := range c.Registers {
		for earlier := range c.Registers[:n] {
			compareRegisters(c, earlier, n, faults)
		}
		if register.Record != "" && register.Record == c.Store.Path {
			key := fmt.Sprintf("%s[%d].record", registerTable, n)
			faults.Add(key, c.Line(key), "is the file of [store] too: give it a name of its own")
		}
	}
}

// checkEncryption holds that a body crosses a network in the clear only inside
// TLS (Antom v2, the Encrypt header).
func checkEncryption(c Config, faults *Faults) {
	if c.Antom.Encryption != "off" || !strings.HasPrefix(c.Antom.BaseURL, "http://") {
		return
	}
	u, err := url.Parse(c.Antom.BaseURL)
	if err == nil && isLoopback(u.Hostname()) {
		return
	}
	const key = "antom.encryption"
	faults.Add(key, c.Line(key), `"off" over plain http is only for loopback addresses: write "rsa_aes", or an https address in base_url`)
}

func compareRegisters(c Config, earlier, later int, faults *Faults) {
	a, b := c.Registers[earlier], c.Registers[later]
	add := func(key, format string) {
		own := fmt.Sprintf("%s[%d].%s", registerTable, later, key)
		other := fmt.Sprintf("%s[%d].%s", registerTable, earlier, key)
		faults.Add(own, c.Line(own), format, fmt.Sprintf("%s (line %d)", other, c.Line(other)))
	}
	if a.Name != "" && a.Name == b.Name {
		add("name", "is the same as %s: give each register its own name")
	}
	if samePort(a.Port, b.Port) {
		add("port", "is the same port as %s: each register has its own line")
	} else if mayBeSameAdapter(a.Port, b.Port) {
		add("port", "may find the same adapter as %s: add the SERIAL to both")
	}
	if a.Record != "" && a.Record == b.Record {
		add("record", "is the same file as %s: give each register its own")
	}
}

func samePort(a, b string) bool {
	vendorA, productA, serialA, usbA := splitUSB(a)
	vendorB, productB, serialB, usbB := splitUSB(b)
	if usbA && usbB {
		return vendorA == vendorB && productA == productB && serialA == serialB
	}
	return a != "" && a == b
}

// mayBeSameAdapter says whether one port names any adapter of a kind and the
// other a certain one of that kind.
func mayBeSameAdapter(a, b string) bool {
	vendorA, productA, serialA, usbA := splitUSB(a)
	vendorB, productB, serialB, usbB := splitUSB(b)
	return usbA && usbB && vendorA == vendorB && productA == productB && (serialA == "" || serialB == "")
}
