package checks

import (
	"context"
	"slices"

	blaxel "github.com/blaxel-ai/sdk-go"
	"github.com/blaxel-ai/sdk-go/option"
)

// access checks service accounts, their keys, workspaces, and what the platform offers.
func (s *suite) access() {
	s.check("service account: it signs in with its secret, and by its keys", func(ctx context.Context) {
		// The SDK has no methods for accounts, but for requests to any path.
		const path = "service_accounts"
		var account struct {
			ClientID     string `json:"client_id"`
			ClientSecret string `json:"client_secret"`
		}
		name := object{"name": s.prefix + "-account"}
		succeeded(s.client.Post(ctx, path, name, &account))
		listed := func(credentials ...option.RequestOption) error {
			client := s.newClient(credentials...)
			_, err := client.Models.List(ctx, blaxel.ModelListParams{Limit: blaxel.Int(1)})
			return err
		}
		succeeded(listed(
			option.WithClientID(account.ClientID), option.WithClientSecret(account.ClientSecret),
		))
		var key struct{ ID, APIKey string }
		keys := path + "/" + account.ClientID + "/api_keys"
		succeeded(s.client.Post(ctx, keys, object{"name": "first", "expires_in": "30d"}, &key))
		succeeded(listed(option.WithAPIKey(key.APIKey)))
		succeeded(s.client.Delete(ctx, keys+"/"+key.ID, nil, nil))
		refused(401, listed(option.WithAPIKey(key.APIKey)))
		succeeded(s.client.Delete(ctx, path+"/"+account.ClientID, nil, nil))
	})

	s.check("workspace: the own one is there, with the numbers of its resources", func(ctx context.Context) {
		count := blaxel.WorkspaceGetParams{CountResources: blaxel.Bool(true)}
		own := good(s.client.Workspaces.Get(ctx, s.workspace, count))
		equal(own.Name, s.workspace)
		require(own.ResourceCounts["models"] > 0, "%v", own.ResourceCounts)
		names := each(*good(s.client.Workspaces.List(ctx)), func(one blaxel.Workspace) string { return one.Name })
		require(slices.Contains(names, s.workspace), "%v", names)
		refused(404, failed(s.client.Workspaces.Get(ctx, "nobody-knows-me", blaxel.WorkspaceGetParams{})))
	})

	s.check("what the platform offers is told: hub, templates, an integration, addresses", func(ctx context.Context) {
		require(len(*good(s.client.Sandboxes.GetHub(ctx))) > 0, "the hub is empty")
		templates := *good(s.client.Templates.List(ctx))
		require(len(templates) > 0, "there are no templates")
		equal(good(s.client.Templates.Get(ctx, templates[0].Name)).Name, templates[0].Name)
		equal(good(s.client.Integrations.Get(ctx, "openai")).Name, "openai")
		require(len(*good(s.client.PublicIPs.List(ctx, blaxel.PublicIPListParams{}))) > 0, "there are no addresses")
		good(s.client.Egressgateways.GetUsage(ctx))
	})
}
