package main

import (
	"bytes"
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"posagent/antom"
)

func keysGenerateCommand() command {
	return command{
		name:  "keys generate",
		usage: "-dir DIR | -config FILE [-json]",
		brief: "make a key pair of our own",
		about: "Makes an RSA key of 2048 bits and writes it, readable by its owner alone, where no\n" +
			"file is yet. With -dir it is DIR/private.pem. With -config it is the file that the\n" +
			"configuration names, or, where that is there, a new one beside it: the first step of\n" +
			"a rotation, which changes nothing for the running agent. Prints the public half in\n" +
			"the forms that Antom takes.\n",
		run: runKeysGenerate,
	}
}

func runKeysGenerate(_ context.Context, e env, c command, args []string) int {
	fset := c.flags()
	dir := fset.String("dir", "", "the folder `DIR` to make private.pem in")
	file := fset.String("config", "", "the configuration `FILE`")
	asJSON := fset.Bool("json", false, "as JSON")
	if code, ok := c.parse(e, fset, args); !ok {
		return code
	}
	if (*dir == "") == (*file == "") || fset.NArg() > 0 {
		return c.misused(e, "give -dir DIR or -config FILE")
	}
	k, err := generate(*dir, *file)
	if err != nil {
		return c.failed(e, err)
	}
	return c.told(e, *asJSON, k, func() {
		fmt.Fprintf(e.stdout, "%s is made; keep it here alone, nobody else needs it.\n", k.File)
		k.write(e.stdout)
		fmt.Fprint(e.stdout, "Give the public half to Antom. ")
		if *file != "" {
			fmt.Fprintf(e.stdout, "Once Antom has it, and says under which key version N:\n\n"+
				"  posagent keys switch -config %s -to %s -key-version N\n", shellWord(*file), shellWord(k.File))
			return
		}
		fmt.Fprintf(e.stdout, "The configuration names the private one:\n\n  private_key_file = %q\n", k.File)
	})
}

// generate makes a key where no file is, and says which and where.
func generate(dir, config string) (keyShown, error) {
	key, err := antom.GenerateKey()
	if err != nil {
		return keyShown{}, err
	}
	text, err := antom.EncodePrivateKey(key)
	if err != nil {
		return keyShown{}, err
	}
	k, err := showPublic(keyOurs, filepath.Join(dir, siteOurKey), key.Public())
	if err != nil {
		return keyShown{}, err
	}
	if config != "" {
		if k.File, err = placeOfNext(config, k.short()); err != nil {
			return keyShown{}, err
		}
	}
	if err := putNew(k.File, text, 0o600); err != nil {
		return keyShown{}, err
	}
	return k, giveToAgent(k.File, config)
}

// placeOfNext is where a new key of ours belongs: the configured file, or where that
// is there, one of a name that no key had before. A name that was used once may still
// be held by systemd with what it was then (LoadCredential=).
func placeOfNext(config, short string) (string, error) {
	s, err := loadSettings(config)
	path := s.Antom.PrivateKeyFile
	if path == "" {
		return "", fmt.Errorf("%s does not say private_key_file: %w", config, err)
	}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return path, nil
	}
	return filepath.Join(filepath.Dir(path), "private-"+short+".pem"), nil
}

// putNew writes a file that is not there yet, whole or not at all, and sees it on
// the disk.
func putNew(path string, text []byte, mode fs.FileMode) error {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, ".posagent-new-*")
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("the folder %s is not there; make it first: mkdir -p -m 700 %s", dir, shellWord(dir))
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("user %s may not write to %s; run it with sudo, or as the agent's user", loginName(), dir)
	case err != nil:
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }() // by then it has its name, or is not wanted
	_, err = f.Write(text)
	if err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close()); err != nil {
		return err
	}
	err = os.Link(f.Name(), path)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s is there already and is left alone; move it away first, or choose another place", path)
	}
	if err != nil {
		return err
	}
	return syncFolder(dir)
}

func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// giveToAgent lets the agent's user read a key that root made for it.
func giveToAgent(path, config string) error {
	if os.Geteuid() != 0 || config == "" {
		return nil
	}
	p := meet(config)
	if p.agent == nil || p.agent.uid == 0 || len(p.agent.groups) == 0 {
		return nil
	}
	if err := os.Chown(path, p.agent.uid, -1); err != nil {
		return fmt.Errorf("%s is made, and can't be given to the agent's user, %s: %w", path, p.agent.name, err)
	}
	return nil
}

func keysImportCommand() command {
	return command{
		name:  "keys import",
		usage: "-config FILE [-replace] [-json] KEYFILE",
		brief: "take Antom's public key",
		about: "Reads Antom's public key from KEYFILE (\"-\" for standard input), as PEM or as the\n" +
			"bare base64 that Antom shows, and sees that it is one: RSA, 2048 bits, and not our\n" +
			"own. It is written to the file that the configuration names, or where that is there,\n" +
			"to a new one beside it, and the next step is printed. -replace puts it in the place\n" +
			"of the configured one and keeps that.\n",
		run: runKeysImport,
	}
}

// imported is what became of an import.
type imported struct {
	keyShown
	Kept string   `json:"kept,omitempty"` // the one before
	Next []string `json:"next,omitempty"` // what to do now
}

func runKeysImport(_ context.Context, e env, c command, args []string) int {
	fset := c.flags()
	file := fset.String("config", "", "the configuration `FILE`")
	replace := fset.Bool("replace", false, "take the place of the configured key, which is kept")
	asJSON := fset.Bool("json", false, "as JSON")
	words, code, ok := c.parseMixed(e, fset, args)
	if !ok {
		return code
	}
	if *file == "" || len(words) != 1 {
		return c.misused(e, "give -config FILE and the key's file")
	}
	text, err := readKey(words[0], os.Stdin)
	if err != nil {
		return c.failed(e, err)
	}
	got, err := takeAntomKey(*file, text, *replace)
	if err != nil {
		return c.failed(e, fmt.Errorf("%s: %w", words[0], err))
	}
	return c.told(e, *asJSON, got, func() {
		fmt.Fprintf(e.stdout, "Antom's public key is in %s\nfingerprint  %s\n", got.File, got.Fingerprint)
		if got.Kept != "" {
			fmt.Fprintf(e.stdout, "The one before is kept as %s\n", got.Kept)
		}
		for _, line := range got.Next {
			fmt.Fprintln(e.stdout, line)
		}
	})
}

// takeAntomKey checks a key of Antom's and puts it where it belongs.
func takeAntomKey(config string, text []byte, replace bool) (imported, error) {
	key, err := antom.ParsePublicKey(text)
	if err != nil {
		return imported{}, err
	}
	s, err := loadSettings(config)
	if len(s.Antom.AntomPublicKeyFiles) == 0 {
		return imported{}, fmt.Errorf("%s does not say antom_public_key_file: %w", config, err)
	}
	if s.privateKey != nil && antom.SamePair(s.privateKey, key) {
		return imported{}, errors.New("this is our own public key, the one Antom is given; take the one that Antom shows")
	}
	pem, err := antom.EncodePublicKey(key)
	if err != nil {
		return imported{}, err
	}
	return putAntomKey(config, s, key, pem, replace)
}

func putAntomKey(config string, s settings, key *rsa.PublicKey, pem []byte, replace bool) (got imported, err error) {
	configured := s.Antom.AntomPublicKeyFiles[0]
	if got.keyShown, err = showPublic(keyAntom, configured, key); err != nil {
		return got, err
	}
	before, err := os.ReadFile(configured)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		got.Next = []string{"", "Next: posagent doctor -config " + shellWord(config)}
		return got, putNew(configured, pem, 0o644)
	case err != nil:
		return got, err
	case isKey(before, key):
		got.Next = []string{"It was there already."}
		return got, nil
	case replace:
		got.Kept = configured + ".before-" + got.short()
		got.Next = []string{"", "Next, since the agent may hold the old one: posagent hold-check -config " + shellWord(config) + " && sudo systemctl restart posagent"}
		return got, replaceKept(configured, got.Kept, pem)
	}
	got.File = filepath.Join(filepath.Dir(configured), "antom-"+got.short()+".pem")
	got.Next = []string{"", "Next, to believe both while Antom changes over:", "",
		"  posagent keys believe -config " + shellWord(config) + " " + shellWord(configured) + " " + shellWord(got.File)}
	if there, err := os.ReadFile(got.File); err == nil && isKey(there, key) {
		return got, nil
	}
	return got, putNew(got.File, pem, 0o644)
}

func isKey(text []byte, key *rsa.PublicKey) bool {
	found, err := antom.ParsePublicKey(bytes.TrimSpace(text))
	return err == nil && found.Equal(key)
}

// replaceKept puts text in a file's place; what was there is kept under another name.
func replaceKept(path, kept string, text []byte) error {
	if err := os.Link(path, kept); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	fresh := path + ".new"
	if err := putNew(fresh, text, 0o644); err != nil {
		return err
	}
	return errors.Join(os.Rename(fresh, path), syncFolder(filepath.Dir(path)))
}
