package sandbox

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// Options say whom the stand-in plays and how strictly. Only the keys and the
// ClientID must be given.
type Options struct {
	MerchantKey *rsa.PublicKey  // verifies requests, 2048 bits
	AntomKey    *rsa.PrivateKey // signs answers, 2048 bits
	ClientID    string          // the one caller that is let in
	KeyVersion  int             // of both keys; 0 means 1

	NextMerchantKey *rsa.PublicKey  // beside MerchantKey, under KeyVersion+1, while the caller changes its own; nil: none
	NextAntomKey    *rsa.PrivateKey // reads what is encrypted for it, too, and signs once Server.ChangeOver was called

	Encryption string // "rsa_aes" (also where empty) or "off"
	Cipher     string // "ecb" (also where empty), "cbc" or "gcm"; IV or nonce in front of the ciphertext

	// URIPrefix takes the place of the path in front of /payments or /device in
	// what is signed, for callers set to a gateway that wants that.
	URIPrefix string

	AllowMissingExtendInfo bool // Antom's overview requires it, its pages for the calls do not list it
	ReuseRequestKey        bool // encrypt an answer with its request's key instead of a fresh one
	PlainAmounts           bool // the last digits of an amount call no cruelty
	Steady                 bool // every answer is spelt alike

	Certificate *tls.Certificate // serve HTTPS under it; NewCertificate makes one. nil: plain HTTP

	Cruelty []Plan // armed from the start
	Mix     *Mix   // cruelties by chance, from a seed

	Now    func() time.Time // nil means time.Now; hangs run on real time
	Logger *slog.Logger     // one line a request, and one when it hangs; nil discards
}

// Server is one stand-in. Everything it knows is lost with it.
type Server struct {
	options  Options
	ledger   *ledger
	history  *history
	plans    *plans
	gate     gate
	stranger func() *rsa.PrivateKey // somebody else's key, made when first wanted

	mu      sync.Mutex
	changed bool               // NextAntomKey signs
	answers int                // how many were spelt
	kept    map[string]*letter // by call, the last signed answer with S
}

// New checks the options and returns a stand-in with an empty ledger.
func New(o Options) (*Server, error) {
	if err := checkKeys(o); err != nil {
		return nil, err
	}
	o = withDefaults(o)
	if o.Encryption != "rsa_aes" && o.Encryption != "off" {
		return nil, fmt.Errorf("sandbox: encryption %q must be rsa_aes or off", o.Encryption)
	}
	if o.Cipher != "ecb" && o.Cipher != "cbc" && o.Cipher != "gcm" {
		return nil, fmt.Errorf("sandbox: cipher %q must be ecb, cbc or gcm", o.Cipher)
	}
	mix, err := newMixer(o.Mix)
	if err != nil {
		return nil, err
	}
	s := &Server{
		options: o, ledger: newLedger(), history: newHistory(),
		plans: &plans{mix: mix}, kept: map[string]*letter{}, stranger: sync.OnceValue(strangersKey),
	}
	for _, p := range o.Cruelty {
		if err := s.Arm(p); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func checkKeys(o Options) error {
	switch {
	case o.MerchantKey == nil || o.AntomKey == nil:
		return errors.New("sandbox: both the merchant's public key and Antom's private key are needed")
	case o.MerchantKey.N.BitLen() != keyBits || o.AntomKey.N.BitLen() != keyBits:
		return fmt.Errorf("sandbox: keys of %d and %d bits: Antom takes 2048-bit RSA keys only",
			o.MerchantKey.N.BitLen(), o.AntomKey.N.BitLen())
	case o.AntomKey.PublicKey.Equal(o.MerchantKey):
		return errors.New("sandbox: the merchant's key and Antom's are the same pair: make one for each side")
	case o.ClientID == "":
		return errors.New("sandbox: a ClientID is needed, such as N950SN0000001")
	}
	return nil
}

func withDefaults(o Options) Options {
	if o.KeyVersion == 0 {
		o.KeyVersion = 1
	}
	if o.Encryption == "" {
		o.Encryption = "rsa_aes"
	}
	if o.Cipher == "" {
		o.Cipher = "ecb"
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

func strangersKey() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, keyBits)
	if err != nil {
		panic("sandbox: " + err.Error()) // the size is fixed and the source of chance cannot fail
	}
	return key
}

// shutdownGrace is how long Serve lets answers under way finish.
const shutdownGrace = 500 * time.Millisecond

// Serve answers on ln until ctx ends, then closes it, hanging requests included,
// within a second. It refuses a TCP listener beyond loopback, and returns nil
// when ctx ended it. With Options.Certificate it does the TLS itself: ln is plain.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	if err := onlyLoopback(ln.Addr()); err != nil {
		return errors.Join(err, ln.Close())
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	web := &http.Server{
		Handler:           s.Handler(),
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          slog.NewLogLogger(s.options.Logger.Handler(), slog.LevelDebug),
	}
	served := make(chan error, 1)
	go func() { served <- web.Serve(s.overTLS(s.gate.guard(ln))) }()
	select {
	case err := <-served:
		return fmt.Errorf("sandbox: serve %s: %w", ln.Addr(), err)
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownGrace)
	defer cancel()
	if web.Shutdown(grace) != nil {
		_ = web.Close() // whoever is still there had the grace
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("sandbox: serve %s: %w", ln.Addr(), err)
	}
	return nil
}

// overTLS speaks TLS on ln where there is a certificate. The gate stays beneath:
// who is refused is refused before a handshake.
func (s *Server) overTLS(ln net.Listener) net.Listener {
	if s.options.Certificate == nil {
		return ln
	}
	return tls.NewListener(ln, &tls.Config{
		Certificates: []tls.Certificate{*s.options.Certificate},
		MinVersion:   tls.VersionTLS12,
		NextProtos:   []string{"http/1.1"},
	})
}

// ChangeOver has NextAntomKey sign from now on, as Antom does at the end of a change
// of its key.
func (s *Server) ChangeOver() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changed = s.options.NextAntomKey != nil
}

// antomKey is the one that signs now.
func (s *Server) antomKey() *rsa.PrivateKey {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.changed {
		return s.options.NextAntomKey
	}
	return s.options.AntomKey
}

// merchantKey is the caller's of a version, nil for none.
func (s *Server) merchantKey(version int) *rsa.PublicKey {
	switch version {
	case s.options.KeyVersion:
		return s.options.MerchantKey
	case s.options.KeyVersion + 1:
		return s.options.NextMerchantKey
	}
	return nil
}
