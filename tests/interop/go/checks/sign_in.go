package checks

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"

	blaxel "github.com/blaxel-ai/sdk-go"
	"github.com/blaxel-ai/sdk-go/option"
)

// signIn checks sign-ins: client credentials, a stored login, API keys.
func (s *suite) signIn() {
	// listed sends a request with a client, and returns the number of models in the response.
	listed := func(ctx context.Context, client blaxel.Client) (int, error) {
		page, err := client.Models.List(ctx, blaxel.ModelListParams{Limit: blaxel.Int(1)})
		if err != nil {
			return 0, err
		}
		return len(page.Data), nil
	}

	s.check("client credentials: one token is used for all calls", func(ctx context.Context) {
		tokens := s.sent.during("/oauth/token", func() {
			for range 5 {
				client := s.newClient(option.WithClientCredentials(s.clientCredentials))
				equal(good(listed(ctx, client)), 1)
			}
		})
		equal(len(tokens), 1)
	})

	s.check("client credentials: the token is sent in the platform's own header", func(ctx context.Context) {
		client := s.newClient(option.WithClientCredentials(s.clientCredentials))
		requests := s.sent.during("/models", func() { good(listed(ctx, client)) })
		equal(len(requests), 1)
		equal(requests[0].Header.Get("Authorization"), "")
		equal(requests[0].Header.Get("X-Blaxel-Workspace"), s.workspace)
		token, found := strings.CutPrefix(requests[0].Header.Get("X-Blaxel-Authorization"), "Bearer ")
		require(found && strings.Count(token, ".") == 2, "the token has the length %d", len(token))
	})

	s.check("client credentials: they come from the environment's form too", func(ctx context.Context) {
		credentials := blaxel.Credentials{ClientCredentials: s.clientCredentials}
		client := blaxel.NewClientFromCredentials(credentials, s.options()...)
		equal(good(listed(ctx, client)), 1)
		headers := good(credentials.AuthHeaders(ctx, s.workspace))
		equal(headers["X-Blaxel-Workspace"], s.workspace)
		require(strings.HasPrefix(headers["X-Blaxel-Authorization"], "Bearer ey"), "there is no token")
	})

	s.check("client credentials: a wrong secret is refused", func(ctx context.Context) {
		client := s.newClient(option.WithClientID("nobody"), option.WithClientSecret("nothing"))
		err := failed(listed(ctx, client))
		require(strings.Contains(err.Error(), "returned status 400"), "%v", err)
	})

	s.check("refresh token: a stored login is renewed, more than once", func(ctx context.Context) {
		refresh := s.refreshToken(ctx)
		for round := range 2 {
			old := blaxel.Credentials{
				AccessToken:  expiredToken(round),
				RefreshToken: refresh,
				DeviceCode:   "device",
				ExpiresIn:    1,
			}
			succeeded(blaxel.WriteConfig(blaxel.Config{
				Context:    blaxel.ContextConfig{Workspace: s.workspace},
				Workspaces: []blaxel.WorkspaceConfig{{Name: s.workspace, Credentials: old}},
			}))
			// Until the next round, the new token is used from memory and from the file.
			tokens := s.sent.during("/oauth/token", func() {
				for range 2 {
					client := good(blaxel.NewDefaultClient(s.options()...))
					equal(good(listed(ctx, client)), 1)
				}
			})
			equal(len(tokens), 1)
			stored := good(blaxel.LoadCredentials(s.workspace))
			require(stored.AccessToken != old.AccessToken, "the new token was not stored")
			equal(stored.DeviceCode, old.DeviceCode)
			client := good(blaxel.NewClientFromConfig(s.workspace, s.options()...))
			equal(good(listed(ctx, *client)), 1)
		}
	})

	s.check("refresh token: a wrong one is refused", func(ctx context.Context) {
		client := s.newClient(option.WithAccessToken(expiredToken(0)), option.WithRefreshToken("nothing"))
		err := failed(listed(ctx, client))
		require(strings.Contains(err.Error(), "returned status 400"), "%v", err)
	})

	s.check("login: its context is the workspace, and its key is used", func(ctx context.Context) {
		equal(good(blaxel.CurrentContext()).Workspace, s.workspace)
		succeeded(blaxel.SaveCredentials(s.workspace, blaxel.Credentials{APIKey: s.apiKey}))
		client := good(blaxel.NewDefaultClient(s.options()...))
		equal(good(listed(ctx, client)), 1)
		// The SDK asked the server for the id.
		config := good(blaxel.LoadConfig())
		own := good(s.client.Workspaces.Get(ctx, s.workspace, blaxel.WorkspaceGetParams{}))
		equal(config.Workspaces[0].ID, own.ID)
		succeeded(blaxel.WriteConfig(blaxel.Config{}))
	})

	s.check("API key: a wrong one is refused with 401", func(ctx context.Context) {
		refused(401, failed(listed(ctx, s.newClient(option.WithAPIKey("bl_wrong_key")))))
	})

	s.check("API key: another workspace is refused with 403", func(ctx context.Context) {
		client := s.newClient(option.WithAPIKey(s.apiKey), option.WithWorkspace("elsewhere"))
		refused(403, failed(listed(ctx, client)))
	})

	s.check("API key: a good one is let in, in both headers", func(ctx context.Context) {
		for _, header := range []string{"Authorization", "X-Blaxel-Authorization"} {
			client := s.newClient(option.WithAPIKey(s.apiKey, header))
			requests := s.sent.during("", func() { equal(good(listed(ctx, client)), 1) })
			equal(len(requests), 1)
			equal(requests[0].Header.Get(header), "Bearer "+s.apiKey)
		}
	})
}

// refreshToken signs in without the SDK, and returns the refresh token.
func (s *suite) refreshToken(ctx context.Context) string {
	header := http.Header{
		"Authorization": {"Basic " + s.clientCredentials},
		"Content-Type":  {"application/json"},
	}
	body := good(json.Marshal(object{"grant_type": "client_credentials"}))
	var token struct {
		RefreshToken string `json:"refresh_token"`
	}
	response := send(ctx, http.MethodPost, s.apiURL+"/oauth/token", header, body)
	succeeded(json.Unmarshal([]byte(text(response)), &token))
	return token.RefreshToken
}

// expiredToken returns an expired access token. The SDK remembers which new token it has for it.
func expiredToken(issued int) string {
	part := func(claims object) string {
		return base64.RawURLEncoding.EncodeToString(good(json.Marshal(claims)))
	}
	return part(object{"alg": "HS256"}) + "." + part(object{"iat": issued, "exp": issued + 1}) + ".none"
}
