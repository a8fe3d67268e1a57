package main

import (
	"context"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"posagent/antom"
)

func keysCommand() command {
	about := "Three keys are about: our private key, its public half, which Antom is given, and\n" +
		"Antom's own public key. No key is ever overwritten, and no configuration changed,\n" +
		"without being told to. Each has -h and -json:\n\n"
	for _, k := range keysCommands() {
		about += fmt.Sprintf("  %-9s %s\n", strings.TrimPrefix(k.name, "keys "), k.brief)
	}
	return command{
		name:  "keys",
		usage: "generate|show|import|verify|switch|believe [FLAGS]",
		brief: "make, show, take and change keys",
		about: about,
		run:   runKeys,
	}
}

// keysCommands are the words after "posagent keys".
func keysCommands() []command {
	return []command{
		keysGenerateCommand(), keysShowCommand(), keysImportCommand(),
		keysVerifyCommand(), keysSwitchCommand(), keysBelieveCommand(),
	}
}

func runKeys(ctx context.Context, e env, c command, args []string) int {
	if len(args) > 0 {
		for _, k := range keysCommands() {
			if k.name == "keys "+args[0] {
				return k.run(ctx, e, k, args[1:])
			}
		}
	}
	fs := c.flags()
	if code, ok := c.parse(e, fs, args); !ok {
		return code
	}
	if fs.NArg() == 0 {
		return c.misused(e, "say what to do with the keys")
	}
	return c.misused(e, "there is no %q", fs.Arg(0))
}

// keyShown is a public key as it is shown: nothing in it is secret.
type keyShown struct {
	Whose       string `json:"whose"`          // "ours" or "antom"
	File        string `json:"file,omitempty"` // where it, or its private half, was read
	Fingerprint string `json:"fingerprint"`
	Base64      string `json:"base64"` // of the SPKI, as Antom's form wants it
	PEM         string `json:"pem"`
}

// Whose a key is.
const (
	keyOurs  = "ours"
	keyAntom = "antom"
)

func showPublic(whose, file string, pub *rsa.PublicKey) (keyShown, error) {
	der, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		return keyShown{}, fmt.Errorf("encode the public key: %w", err)
	}
	pem, err := antom.EncodePublicKey(pub)
	if err != nil {
		return keyShown{}, err
	}
	sum := sha256.Sum256(der)
	return keyShown{whose, file, hex.EncodeToString(sum[:]), base64.StdEncoding.EncodeToString(der), string(pem)}, nil
}

// short is enough of a fingerprint to name a file by.
func (k keyShown) short() string { return k.Fingerprint[:8] }

func (k keyShown) write(w io.Writer) {
	fmt.Fprintf(w, "fingerprint  %s (SHA-256 of the SPKI)\n", k.Fingerprint)
	fmt.Fprintf(w, "\nAs Antom's form wants it, one line:\n\n%s\n\nAs PEM:\n\n%s\n", k.Base64, k.PEM)
}

func keysShowCommand() command {
	return command{
		name:  "keys show",
		usage: "FILE | -config FILE [-json]",
		brief: "print public halves and fingerprints",
		about: "Prints the public half of our key in the forms that Antom takes, and the fingerprints\n" +
			"of all keys. A FILE may hold a private or a public key. Nothing secret is printed.\n" +
			"The fingerprint is that of: openssl pkey -pubin -in FILE -outform DER | sha256sum\n",
		run: runKeysShow,
	}
}

func runKeysShow(_ context.Context, e env, c command, args []string) int {
	fs := c.flags()
	file := fs.String("config", "", "the configuration `FILE`")
	asJSON := fs.Bool("json", false, "as JSON")
	words, code, ok := c.parseMixed(e, fs, args)
	if !ok {
		return code
	}
	if (*file == "") == (len(words) == 0) || len(words) > 1 {
		return c.misused(e, "give one key's FILE, or -config FILE")
	}
	if *file == "" {
		k, err := showFile(words[0])
		if err != nil {
			return c.failed(e, err)
		}
		return c.told(e, *asJSON, []keyShown{k}, func() { k.write(e.stdout) })
	}
	list, err := showConfigured(*file)
	if err != nil {
		return c.misconfigured(e, *file, err)
	}
	return c.told(e, *asJSON, list, func() { writeAll(e.stdout, list) })
}

// told writes what a command has to say, as JSON where that is asked for.
func (c command) told(e env, asJSON bool, v any, write func()) int {
	if !asJSON {
		write()
		return exitDone
	}
	if err := json.NewEncoder(e.stdout).Encode(v); err != nil {
		return c.failed(e, err)
	}
	return exitDone
}

func showFile(path string) (keyShown, error) {
	text, err := readKey(path, os.Stdin)
	if err != nil {
		return keyShown{}, err
	}
	if private, err := antom.ParsePrivateKey(text); err == nil {
		return showPublic(keyOurs, path, private.Public())
	}
	public, err := antom.ParsePublicKey(text)
	if err != nil {
		return keyShown{}, fmt.Errorf("%s: %w", path, err)
	}
	return showPublic("", path, public)
}

// readKey reads a key's file, or standard input for "-".
func readKey(path string, stdin io.Reader) ([]byte, error) {
	const limit = 64 << 10
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		defer func() { _ = f.Close() }() // only read from
		stdin = f
	}
	text, err := io.ReadAll(io.LimitReader(stdin, limit+1))
	if err != nil {
		return nil, err
	}
	if len(text) > limit {
		return nil, errors.New(path + " is too long for a key")
	}
	return text, nil
}

func showConfigured(file string) ([]keyShown, error) {
	s, err := loadSettings(file)
	if err != nil {
		return nil, err
	}
	return s.publicKeys()
}

// publicKeys are our public half, and Antom's keys in their order.
func (s settings) publicKeys() ([]keyShown, error) {
	ours, err := showPublic(keyOurs, s.Antom.PrivateKeyFile, s.privateKey.Public())
	if err != nil {
		return nil, err
	}
	list := []keyShown{ours}
	for i, key := range s.antomKeys {
		k, err := showPublic(keyAntom, s.Antom.AntomPublicKeyFiles[i], key)
		if err != nil {
			return nil, err
		}
		list = append(list, k)
	}
	return list, nil
}

func writeAll(w io.Writer, list []keyShown) {
	for _, k := range list {
		if k.Whose == keyOurs {
			fmt.Fprintf(w, "Our key, %s: Antom must have its public half\n", k.File)
			k.write(w)
			continue
		}
		fmt.Fprintf(w, "Antom's public key, %s\nfingerprint  %s\n", k.File, k.Fingerprint)
	}
}
