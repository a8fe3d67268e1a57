package config_test

import (
	"fmt"
	"strings"
	"testing"
)

const known = "there are [antom], [payments], [store], [[register]], [status], [log]"

// lane2 is a second register, from line 9 on.
func lane2(lines ...string) string {
	return smallest + "[[register]]\n" + strings.Join(lines, "\n") + "\n"
}

func TestTablesAndKeysThatDoNotBelongAreReported(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"unknown table":                 {smallest + "[printer]\nport = 1\n", ":9: printer: no such table: " + known},
		"unknown table in a table":      {smallest + "[antom.keys]\na = 1\n", ":9: antom.keys: no such table: " + known},
		"misspelt table":                {smallest + "[statsu]\nlisten = \"\"\n", ":9: statsu: no such table: did you mean [status]?"},
		"misspelt table, keys checked":  {smallest + "[Payments]\nwindow = 1\n", ":9: Payments: no such table: did you mean [payments]?\n" + `posagent.toml:10: payments.window: want a duration from "100ms" to "600s" in quotes, got 1`},
		"misspelt table that is there":  {smallest + "[antoms]\nclient_id = \"A\"\n", ":9: antoms: no such table: did you mean [antom]?"},
		"misspelt register":             {strings.Replace(smallest, "[[register]]", "[[registers]]", 1), ":6: registers: no such table: did you mean [[register]]?"},
		"misspelt dotted table":         {"lgo.level = \"warn\"\nlgo.format = 1\n" + smallest, ":1: lgo: no such table: did you mean log?\nposagent.toml:2: lgo: no such table: did you mean log?\n" + `posagent.toml:2: log.format: want "text" or "json", got 1`},
		"key before every table":        {"base_url = \"a\"\n" + smallest, ":1: base_url: no such key: it belongs below [antom]"},
		"key of another table":          {smallest + "[log]\nwindow = \"1s\"\n", ":10: log.window: no such key: it belongs below [payments]"},
		"key of a register":             {smallest + "[log]\nack_gap = \"1s\"\n", ":10: log.ack_gap: no such key: it belongs below [[register]]"},
		"unknown key":                   {smallest + "[log]\ncolour = true\n", ":10: log.colour: no such key: [log] has level, format"},
		"unknown key with odd letters":  {smallest + "[log]\n\"a b\\n\" = true\n", `:10: log."a b\n": no such key: [log] has level, format`},
		"unknown dotted key":            {smallest + "[log]\nlevel.x = 1\n", ":10: log.level.x: no such key: [log] has level, format"},
		"unknown key of a register":     {smallest + "speed = 9600\n", ":9: register[0].speed: no such key: [[register]] has name, port, baud, data_bits, parity, stop_bits, ack_gap, record"},
		"one letter more":               {smallest + "bauds = 9600\n", ":9: register[0].bauds: no such key: did you mean baud?"},
		"two letters swapped":           {smallest + "buad = 9600\n", ":9: register[0].buad: no such key: did you mean baud?"},
		"two edits":                     {smallest + "[payments]\nlate_abbrt = \"keep\"\n", ":10: payments.late_abbrt: no such key: did you mean late_abort?"},
		"three edits":                   {smallest + "[payments]\nlte_abbrts = \"keep\"\n", ":10: payments.lte_abbrts: no such key: [payments] has window, pay_timeout, inquiry_timeout, inquiry_interval, refund_timeout, quiet_time, methods, after_timeout, late_abort, retention"},
		"hyphens and capitals":          {strings.Replace(smallest, "client_id", "Client-Id", 1), ":3: antom.Client-Id: no such key: did you mean client_id?"},
		"table twice":                   {smallest + "[antom]\nkey_version = 2\n", ":9: antom: is here twice, first on line 1: keep its keys together in one place"},
		"dotted table again as heading": {"log.level = \"warn\"\n" + smallest + "[log]\nformat = \"json\"\n", ":10: log: is here twice, first on line 1: keep its keys together in one place"},
		"inline table with dotted more": {"log = {level = \"warn\"}\nlog.format = \"json\"\n" + smallest, ":2: log: is here twice, first on line 1: keep its keys together in one place"},
		"key twice":                     {smallest + "name = \"lane1\"\n", ":9: register[0].name: is here twice, first on line 7: leave one out"},
		"key twice in an inline table":  {"log = {level = \"warn\",\n level = \"info\"}\n" + smallest, ":2: log.level: is here twice, first on line 1: leave one out"},
		"[[antom]]":                     {strings.Replace(smallest, "[antom]", "[[antom]]", 1), ":1: antom: there is only one: write [antom]"},
		"[register]":                    {strings.Replace(smallest, "[[register]]", "[register]", 1), ":6: register: there can be several: write [[register]]"},
		"a value for a table":           {"log = 5\n" + smallest, ":1: log: is a table: write [log] and its keys below"},
		"a list for a table":            {"log = [{level = \"warn\"}]\n" + smallest, ":1: log: is a table: write [log] and its keys below"},
		"registers in two manners":      {"register = []\n" + smallest, ":7: register: is here in another manner on line 1: write every register below a [[register]]"},
		"a register that is none":       {"register = [7]\n" + smallest[:strings.Index(smallest, "[[")], ":1: register[0]: want a table such as { name = \"lane1\", port = \"/dev/pos/register0\" }, got 7"},
		"a register with dots":          {"register.name = \"a\"\n" + smallest[:strings.Index(smallest, "[[")], ":1: register.name: there can be several: write [[register]] and its keys below"},
		"a list of lists":               {"x = [[{a = 1}]]\n" + smallest, ":1: x: no such table: " + known},
		"name missing":                  {lane2(`port = "/dev/pos/register1"`), `:9: register[1].name: is missing: add for instance name = "lane1"`},
		"port missing":                  {lane2(`name = "lane2"`), `:9: register[1].port: is missing: add for instance port = "/dev/pos/register0"`},
		"no register":                   {smallest[:strings.Index(smallest, "[[")], ": register: there is none: add a [[register]] with a name and a port"},
	} {
		t.Run(name, func(t *testing.T) {
			compare(t, "faults", faultsOf(t, c.text), "posagent.toml"+c.want)
		})
	}
}

func TestEmptyFileLacksAllThatIsRequired(t *testing.T) {
	want := `posagent.toml: antom.base_url: is missing: add for instance base_url = "https://host/openapi/v2"
posagent.toml: antom.client_id: is missing: add for instance client_id = "N950SN0000001"
posagent.toml: antom.private_key_file: is missing: add for instance private_key_file = "private.pem"
posagent.toml: antom.antom_public_key_file: is missing: add for instance antom_public_key_file = "antom.pem"
posagent.toml: register: there is none: add a [[register]] with a name and a port`
	for _, empty := range []string{"", "\n# nothing yet\n", "register = []"} {
		compare(t, fmt.Sprintf("%q", empty), faultsOf(t, empty), want)
	}
}

func TestRegistersMustNotShareNamePortOrRecord(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"name":                        {lane2(`name = "lane1"`, `port = "/dev/pos/register1"`), ":10: register[1].name: is the same as register[0].name (line 7): give each register its own name"},
		"port":                        {lane2(`name = "lane2"`, `port = "/dev//pos/../pos/register0"`), ":11: register[1].port: is the same port as register[0].port (line 8): each register has its own line"},
		"record":                      {strings.Replace(lane2(`name = "lane2"`, `port = "b"`, `record = "./r"`), "[[register]]", "[[register]]\nrecord = \"r\"", 1), ":13: register[1].record: is the same file as register[0].record (line 7): give each register its own"},
		"the store's file":            {smallest + "record = \"/var/lib/posagent/posagent.db\"\n", ":9: register[0].record: is the file of [store] too: give it a name of its own"},
		"an adapter":                  {usb("usb:0403:60aa", "usb:0403:60AA"), ":11: register[1].port: is the same port as register[0].port (line 8): each register has its own line"},
		"an adapter by serial number": {usb("usb:0403:6001:A", "usb:0403:6001:A"), ":11: register[1].port: is the same port as register[0].port (line 8): each register has its own line"},
		"one of a kind and any":       {usb("usb:0403:6001:A", "usb:0403:6001"), ":11: register[1].port: may find the same adapter as register[0].port (line 8): add the SERIAL to both"},
	} {
		t.Run(name, func(t *testing.T) {
			compare(t, "faults", faultsOf(t, c.text), "posagent.toml"+c.want)
		})
	}
	mustLoad(t, usb("usb:0403:6001:A", "usb:0403:6001:a"))
	mustLoad(t, usb("usb:0403:6001", "usb:0403:6002"))
}

func TestWhatIsWrongInTwoRegistersIsNotAlsoCalledTheSame(t *testing.T) {
	text := strings.NewReplacer(`"lane1"`, `""`, `"/dev/pos/register0"`, `"line/"`).Replace(lane2(`name = ""`, `port = "line/"`))
	const empty, folder = `is empty: fill it in, for instance with "lane1"`, `names a folder: add the file's name`
	compare(t, "faults", faultsOf(t, text), "posagent.toml:7: register[0].name: "+empty+
		"\nposagent.toml:8: register[0].port: "+folder+
		"\nposagent.toml:10: register[1].name: "+empty+
		"\nposagent.toml:11: register[1].port: "+folder)
}

func usb(first, second string) string {
	return strings.Replace(lane2(`name = "lane2"`, `port = "`+second+`"`), "/dev/pos/register0", first, 1)
}

func TestMoreRegistersThanAnAgentServesAreRefused(t *testing.T) {
	var text strings.Builder
	text.WriteString(smallest)
	for n := range 64 {
		fmt.Fprintf(&text, "[[register]]\nname = \"extra%d\"\nport = \"p%d\"\n", n, n)
	}
	compare(t, "faults", faultsOf(t, text.String()), "posagent.toml:198: register[64]: is one too many: an agent serves at most 64 registers")
}

func TestEncryptionOffOverPlainHTTPIsOnlyForLoopback(t *testing.T) {
	off := func(url string) string {
		return strings.Replace(smallest, "https://host/openapi/v2\"", url+"\"\nencryption = \"off\"", 1)
	}
	want := `posagent.toml:3: antom.encryption: "off" over plain http is only for loopback addresses: write "rsa_aes", or an https address in base_url`
	for _, url := range []string{"http://10.0.0.9:8344/v2", "http://localhost.example/v2", "HTTP://[fe80::1]/v2"} {
		compare(t, url, faultsOf(t, off(url)), want)
	}
	for _, url := range []string{"http://127.0.0.1:8344/v2", "http://127.9.9.9/v2", "http://[::1]/v2", "http://[::ffff:127.0.0.1]/v2", "http://LOCALHOST/v2", "https://host/v2"} {
		c, _ := mustLoad(t, off(url))
		compare(t, url, c.Antom.Encryption, "off")
	}
}
