package config

import "math"

// key is one key of the file. The lists below are the whole of what a file may
// say; the example file holds the same keys, and a test compares the two.
type key struct {
	name string
	// fallback is the TOML literal that stands in where the file leaves the
	// key out; a key without one is required.
	fallback string
	// example is a TOML literal to show where a required key is missing.
	example string
	// set judges a value and stores it where it is right.
	set setter
}

func (k key) required() bool { return k.fallback == "" }

// registerTable is the one table that a file may have several of.
const registerTable = "register"

// tableNames are the names of all tables, in the order of the example file.
func tableNames() []string {
	return []string{"antom", "payments", "store", registerTable, "status", "log"}
}

// tableKeys returns the keys of a table that a file may have once, with
// setters that write into c.
func tableKeys(table string, c *Config, in folder) []key {
	switch table {
	case "antom":
		return antomKeys(&c.Antom, in)
	case "payments":
		return paymentsKeys(&c.Payments)
	case "store":
		return storeKeys(&c.Store, in)
	case "status":
		return statusKeys(&c.Status, in)
	case "log":
		return logKeys(&c.Log)
	}
	panic("config: no table " + table)
}

func antomKeys(to *Antom, in folder) []key {
	return []key{
		{name: "base_url", example: `"https://host/openapi/v2"`, set: text(&to.BaseURL, 2048, baseURL)},
		{name: "client_id", example: `"N950SN0000001"`, set: text(&to.ClientID, 128, word)},
		{name: "private_key_file", example: `"private.pem"`, set: text(&to.PrivateKeyFile, pathLimitBytes, in.keyFile)},
		{name: "antom_public_key_file", example: `"antom.pem"`, set: oneOrTwo(&to.AntomPublicKeyFiles, pathLimitBytes, in.keyFile)},
		{name: "key_version", fallback: `1`, set: whole(&to.KeyVersion, 1, math.MaxInt32)},
		{name: "encryption", fallback: `"rsa_aes"`, set: choice(&to.Encryption, "rsa_aes", "off")},
		{name: "cipher", fallback: `"ecb"`, set: choice(&to.Cipher, "ecb", "cbc", "gcm")},
		{name: "uri_prefix", fallback: `""`, set: orEmpty(&to.URIPrefix, text(&to.URIPrefix, 256, uriPrefix))},
		{name: "send_extend_info", fallback: `true`, set: flag(&to.SendExtendInfo)},
		{name: "ca_file", fallback: `""`, set: orEmpty(&to.CAFile, text(&to.CAFile, pathLimitBytes, in.file))},
	}
}

// paymentsKeys: a register may ask for windows of 5 s to 600 s (register-link
// §3, commandExecuteTimeout). The file may go below that, never above.
func paymentsKeys(to *Payments) []key {
	return []key{
		{name: "window", fallback: `"120s"`, set: duration(&to.Window, "100ms", "600s")},
		{name: "pay_timeout", fallback: `"45s"`, set: duration(&to.PayTimeout, "100ms", "600s")},
		{name: "inquiry_timeout", fallback: `"15s"`, set: duration(&to.InquiryTimeout, "100ms", "300s")},
		{name: "inquiry_interval", fallback: `"3s"`, set: duration(&to.InquiryInterval, "100ms", "300s")},
		{name: "refund_timeout", fallback: `"30s"`, set: duration(&to.RefundTimeout, "100ms", "600s")},
		{name: "quiet_time", fallback: `""`, set: orEmpty(&to.QuietTime, duration(&to.QuietTime, "100ms", "24h"))},
		{name: "methods", fallback: `[]`, set: names(&to.Methods, 256, 64)},
		{name: "after_timeout", fallback: `"resubmit"`, set: choice(&to.AfterTimeout, "resubmit", "inquire")},
		{name: "late_abort", fallback: `"refund"`, set: choice(&to.LateAbort, "refund", "keep")},
		{name: "retention", fallback: `"400d"`, set: duration(&to.Retention, "100ms", "3660d")},
	}
}

func storeKeys(to *Store, in folder) []key {
	return []key{
		{name: "path", fallback: `"/var/lib/posagent/posagent.db"`, set: text(&to.Path, pathLimitBytes, in.file)},
	}
}

// registerKeys: the ranges are those of register-link §1 and §2.
func registerKeys(to *Register, in folder) []key {
	return []key{
		{name: "name", example: `"lane1"`, set: text(&to.Name, 32, printable)},
		{name: "port", example: `"/dev/pos/register0"`, set: text(&to.Port, pathLimitBytes, in.port)},
		{name: "baud", fallback: `115200`, set: whole(&to.Baud, 300, 921600)},
		{name: "data_bits", fallback: `8`, set: whole(&to.DataBits, 7, 8)},
		{name: "parity", fallback: `"none"`, set: choice(&to.Parity, "none", "even", "odd")},
		{name: "stop_bits", fallback: `1`, set: whole(&to.StopBits, 1, 2)},
		{name: "ack_gap", fallback: `"20ms"`, set: duration(&to.AckGap, "0s", "1s")},
		{name: "record", fallback: `""`, set: orEmpty(&to.Record, text(&to.Record, pathLimitBytes, in.file))},
	}
}

func statusKeys(to *Status, in folder) []key {
	return []key{
		{name: "listen", fallback: `"unix:/run/posagent/status.sock"`, set: orEmpty(&to.Listen, text(&to.Listen, pathLimitBytes, in.listen))},
	}
}

func logKeys(to *Log) []key {
	return []key{
		{name: "level", fallback: `"info"`, set: choice(&to.Level, "debug", "info", "warn", "error")},
		{name: "format", fallback: `"text"`, set: choice(&to.Format, "text", "json")},
	}
}
