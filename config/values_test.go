package config_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"posagent/config"
)

// with returns the smallest file with one line more in a table: in place of
// the key where it is there, at the end otherwise. line is where it stands.
func with(table, line string) (text string, at int) {
	key, _, _ := strings.Cut(line, " ")
	lines := strings.Split(smallest, "\n")
	for n, old := range lines {
		if strings.HasPrefix(old, key+" ") {
			lines[n] = line
			return strings.Join(lines, "\n"), n + 1
		}
	}
	if table == "antom" {
		return strings.Replace(smallest, "[antom]\n", "[antom]\n"+line+"\n", 1), 2
	}
	if table == "register[0]" {
		return smallest + line + "\n", 9
	}
	return smallest + "[" + table + "]\n" + line + "\n", 10
}

func TestEachWrongValueIsReportedWithItsLineAndTheRemedy(t *testing.T) {
	const address = `want scheme, host and base path, such as "https://host/openapi/v2", got `
	for _, c := range []struct{ table, line, want string }{
		{"antom", `base_url = ""`, `is empty: fill it in, for instance with "https://host/openapi/v2"`},
		{"antom", `base_url = "host/v2"`, address + `"host/v2"`},
		{"antom", `base_url = "https:host/v2"`, address + `"https:host/v2"`},
		{"antom", `base_url = "https://:8344/v2"`, address + `"https://:8344/v2"`},
		{"antom", `base_url = "https://host:0/v2"`, address + `"https://host:0/v2"`},
		{"antom", `base_url = "https://host:/v2"`, address + `"https://host:/v2"`},
		{"antom", `base_url = "https://host/v 2"`, address + `"https://host/v 2"`},
		{"antom", `base_url = "https://häuser/v2"`, address + `"https://häuser/v2"`},
		{"antom", `base_url = "https://host/v2?x=1"`, `leave off what starts with ? or #, got "https://host/v2?x=1"`},
		{"antom", `base_url = "https://host/v2#"`, `leave off what starts with ? or #, got "https://host/v2#"`},
		{"antom", `base_url = "https://a:b@host/v2"`, `leave user and password out: requests are signed instead`},
		{"antom", `base_url = "https://host/v2//"`, `write the path without //, . and .., got "/v2//"`},
		{"antom", `base_url = "https://host//"`, `write the path without //, . and .., got "//"`},
		{"antom", `base_url = "https://host/a/../v2"`, `write the path without //, . and .., got "/a/../v2"`},
		{"antom", `base_url = "https://host/%76"`, `write the path without % and special characters, got "/%76"`},
		{"antom", `base_url = "https://host/v2/payments/pay"`, `leave off "/payments/pay" at the end: each call appends its own`},
		{"antom", `base_url = 5`, `want text in quotes, got 5`},
		{"antom", `client_id = "A\tB"`, `holds a line break, a tab or another control character: write it on one line without`},
		{"antom", `client_id = "` + strings.Repeat("A", 129) + `"`, `is 129 bytes long: shorten it to 128`},
		{"antom", `private_key_file = ""`, `is empty: fill it in, for instance with "private.pem"`},
		{"antom", `private_key_file = "~/private.pem"`, `~ is not expanded here: write the path in full`},
		{"antom", `private_key_file = "$CREDENTIALS_DIRECTORY/p"`, `variables are not expanded here: write the path in full, or for a key only its name in $CREDENTIALS_DIRECTORY`},
		{"antom", `private_key_file = "` + strings.Repeat("p", 256) + `"`, `has a part of 256 bytes: no file's name is longer than 255`},
		{"antom", `antom_public_key_file = []`, `want one file, or a list of two while a key is being changed, got a list of 0`},
		{"antom", `antom_public_key_file = ["a", "b", "c"]`, `want one file, or a list of two while a key is being changed, got a list of 3`},
		{"antom", `antom_public_key_file = true`, `want text in quotes, got true`},
		{"antom", `key_version = 0`, `want a whole number from 1, got 0`},
		{"antom", `key_version = 1.0`, `want a whole number from 1, got 1.0`},
		{"antom", `key_version = 99999999999999999999`, `want a whole number from 1, got 99999999999999999999`},
		{"antom", `encryption = "aes"`, `want "rsa_aes" or "off", got "aes"`},
		{"antom", `cipher = "CBC"`, `want "ecb", "cbc" or "gcm", got "CBC"`},
		{"antom", `uri_prefix = "/"`, `want a path such as "/openapi/v2", got "/"`},
		{"antom", `uri_prefix = "openapi/v2"`, `want a path such as "/openapi/v2", got "openapi/v2"`},
		{"antom", `uri_prefix = "//host/v2"`, `want a path such as "/openapi/v2", got "//host/v2"`},
		{"antom", `uri_prefix = "/v2?"`, `want a path such as "/openapi/v2", got "/v2?"`},
		{"antom", `send_extend_info = "yes"`, `want true or false without quotes, got "yes"`},
		{"antom", `ca_file = ["ca.pem"]`, `want text in quotes, got a list`},
		{"payments", `window = "99ms"`, `want a duration from "100ms" to "600s" in quotes, got "99ms"`},
		{"payments", `window = "601s"`, `want a duration from "100ms" to "600s" in quotes, got "601s"`},
		{"payments", `window = "soon"`, `want a duration from "100ms" to "600s" in quotes, got "soon"`},
		{"payments", `window = "-5s"`, `want a duration from "100ms" to "600s" in quotes, got "-5s"`},
		{"payments", `pay_timeout = ""`, `want a duration from "100ms" to "600s" in quotes, got ""`},
		{"payments", `inquiry_timeout = 1979-05-27`, `want a duration from "100ms" to "300s" in quotes, got 1979-05-27`},
		{"payments", `inquiry_interval = "1h"`, `want a duration from "100ms" to "300s" in quotes, got "1h"`},
		{"payments", `refund_timeout = {s = 1}`, `want a duration from "100ms" to "600s" in quotes, got a table`},
		{"payments", `quiet_time = "2d"`, `want a duration from "100ms" to "24h" in quotes, got "2d"`},
		{"payments", `methods = "ALIPAY_CN"`, `want a list such as ["A", "B"], got "ALIPAY_CN"`},
		{"payments", `methods = [` + strings.Repeat(`"A",`, 257) + `]`, `has 257 items: leave at most 256`},
		{"payments", `after_timeout = "ask"`, `want "resubmit" or "inquire", got "ask"`},
		{"payments", `late_abort = 1`, `want "refund" or "keep", got 1`},
		{"payments", `retention = "3661d"`, `want a duration from "100ms" to "3660d" in quotes, got "3661d"`},
		{"payments", `retention = "1d-5h"`, `want a duration from "100ms" to "3660d" in quotes, got "1d-5h"`},
		{"payments", `retention = "9999999999d"`, `want a duration from "100ms" to "3660d" in quotes, got "9999999999d"`},
		{"store", `path = ""`, `is empty: fill it in or leave it out`},
		{"register[0]", `name = ""`, `is empty: fill it in, for instance with "lane1"`},
		{"register[0]", `name = "lane é"`, `want letters, digits, signs and spaces of ASCII, got "lane é"`},
		{"register[0]", `name = "` + strings.Repeat("n", 33) + `"`, `is 33 bytes long: shorten it to 32`},
		{"register[0]", `port = "usb:0403:60"`, `want "usb:VID:PID" or "usb:VID:PID:SERIAL" with four hex digits each, as in "usb:0403:6001", got "usb:0403:60"`},
		{"register[0]", `port = "usb:0403:6001:"`, `want "usb:VID:PID" or "usb:VID:PID:SERIAL" with four hex digits each, as in "usb:0403:6001", got "usb:0403:6001:"`},
		{"register[0]", `port = "USB:0403:6001"`, `want "usb:VID:PID" or "usb:VID:PID:SERIAL" with four hex digits each, as in "usb:0403:6001", got "USB:0403:6001"`},
		{"register[0]", `baud = 921601`, `want a whole number from 300 to 921600, got 921601`},
		{"register[0]", `data_bits = 9`, `want 7 or 8, got 9`},
		{"register[0]", `parity = "N"`, `want "none", "even" or "odd", got "N"`},
		{"register[0]", `stop_bits = "1"`, `want 1 or 2, got "1"`},
		{"register[0]", `ack_gap = "1001ms"`, `want a duration from "0s" to "1s" in quotes, got "1001ms"`},
		{"register[0]", `record = "logs/"`, `names a folder: add the file's name`},
		{"status", `listen = ":9650"`, `would be open to the network: write "127.0.0.1:9650" and let a proxy guard it, got ":9650"`},
		{"status", `listen = "10.0.0.9:9650"`, `would be open to the network: write "127.0.0.1:9650" and let a proxy guard it, got "10.0.0.9:9650"`},
		{"status", `listen = "127.0.0.1:http"`, `want a port from 0 to 65535, got "http"`},
		{"status", `listen = "9650"`, `want "unix:PATH", a loopback address such as "127.0.0.1:9650", or "" for none, got "9650"`},
		{"status", `listen = "unix:"`, `"unix:" needs a path: write for instance "unix:/run/posagent/status.sock"`},
		{"status", `listen = "unix:/` + strings.Repeat("s", 107) + `"`, `makes a path of 108 bytes: a socket's has at most 107`},
		{"log", `level = "trace"`, `want "debug", "info", "warn" or "error", got "trace"`},
		{"log", `format = "JSON"`, `want "text" or "json", got "JSON"`},
	} {
		t.Run(c.line[:min(40, len(c.line))], func(t *testing.T) {
			text, at := with(c.table, c.line)
			key, _, _ := strings.Cut(c.line, " ")
			want := fmt.Sprintf("posagent.toml:%d: %s.%s: %s", at, c.table, key, c.want)
			compare(t, "fault", faultsOf(t, text), want)
		})
	}
}

func TestItemsOfAListAreJudgedOneByOne(t *testing.T) {
	got := faultsOf(t, smallest+"[payments]\nmethods = [\n  \"A\",\n  7,\n  \"\",\n  \""+strings.Repeat("é", 65)+"\",\n  [\"B\"],\n]\n")
	want := `posagent.toml:10: payments.methods[4]: want text in quotes, got a list
posagent.toml:12: payments.methods[1]: want text in quotes, got 7
posagent.toml:13: payments.methods[2]: is empty: fill it in or leave it out
posagent.toml:14: payments.methods[3]: is 65 characters long: shorten it to 64`
	compare(t, "faults", got, want)
	text, _ := with("antom", `antom_public_key_file = ["a.pem", "./a.pem"]`)
	compare(t, "the same key twice", faultsOf(t, text),
		"posagent.toml:5: antom.antom_public_key_file[1]: is in the list twice: leave one out")
}

func TestValuesAtTheEdgeAreTaken(t *testing.T) {
	for _, c := range []struct {
		table, line string
		read        func(config.Config) any
		want        any
	}{
		{"antom", `base_url = "HTTPS://host"`, func(c config.Config) any { return c.Antom.BaseURL }, "https://host"},
		{"antom", `base_url = "http://[::1]:8344/v2/"`, func(c config.Config) any { return c.Antom.BaseURL }, "http://[::1]:8344/v2"},
		{"antom", `key_version = 0x10`, func(c config.Config) any { return c.Antom.KeyVersion }, 16},
		{"payments", `window = "100ms"`, func(c config.Config) any { return c.Payments.Window }, 100 * time.Millisecond},
		{"payments", `window = "10m"`, func(c config.Config) any { return c.Payments.Window }, 10 * time.Minute},
		{"payments", `pay_timeout = "7s"`, func(c config.Config) any { return c.Payments.QuietTime }, 7 * time.Second},
		{"payments", `retention = "3660d"`, func(c config.Config) any { return c.Payments.Retention }, 3660 * 24 * time.Hour},
		{"payments", `methods = ["` + strings.Repeat("é", 64) + `"]`, func(c config.Config) any { return len(c.Payments.Methods) }, 1},
		{"register[0]", `baud = 300`, func(c config.Config) any { return c.Registers[0].Baud }, 300},
		{"register[0]", `baud = 921600`, func(c config.Config) any { return c.Registers[0].Baud }, 921600},
		{"register[0]", `ack_gap = "1s"`, func(c config.Config) any { return c.Registers[0].AckGap }, time.Second},
		{"register[0]", `port = "usb:0403:6001"`, func(c config.Config) any { return c.Registers[0].Port }, "usb:0403:6001"},
		{"register[0]", `port = "/dev/serial/by-path/usb-0:1.2"`, func(c config.Config) any { return c.Registers[0].Port }, "/dev/serial/by-path/usb-0:1.2"},
		{"register[0]", `name = "` + strings.Repeat("~", 32) + `"`, func(c config.Config) any { return len(c.Registers[0].Name) }, 32},
		{"status", `listen = ""`, func(c config.Config) any { return c.Status.Listen }, ""},
		{"status", `listen = "[::1]:0"`, func(c config.Config) any { return c.Status.Listen }, "[::1]:0"},
		{"status", `listen = "localhost:65535"`, func(c config.Config) any { return c.Status.Listen }, "localhost:65535"},
	} {
		t.Run(c.line[:min(40, len(c.line))], func(t *testing.T) {
			text, _ := with(c.table, c.line)
			got, _ := mustLoad(t, text)
			compare(t, c.line, c.read(got), c.want)
		})
	}
}
