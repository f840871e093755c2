package checks

import (
	"context"
	"encoding/json"

	blaxel "github.com/blaxel-ai/sdk-go"
	"github.com/blaxel-ai/sdk-go/lib/mcp"
)

// functions checks the MCP server of a function, with the SDK's client.
func (s *suite) functions() {
	name := s.prefix + "-tools"
	var address string
	var headers map[string]string

	s.check("function: its document leads to its server", func(ctx context.Context) {
		made := good(s.client.Functions.New(ctx, blaxel.FunctionNewParams{Function: blaxel.FunctionParam{
			Metadata: blaxel.MetadataParam{Name: name},
			Spec: blaxel.FunctionSpecParam{
				Runtime: blaxel.FunctionRuntimeParam{Image: blaxel.String("registry/function:1")},
			},
		}}))
		address = made.Metadata.URL
		credentials := blaxel.Credentials{APIKey: s.apiKey}
		headers = good(credentials.AuthHeaders(ctx, s.workspace))
	})

	// The SDK's transport by WebSocket does not send the messages of the protocol.
	for _, transport := range []mcp.TransportType{mcp.TransportTypeAuto, mcp.TransportTypeHTTPStream} {
		s.check("function: its tools are listed and called, by "+string(transport), func(ctx context.Context) {
			client := good(mcp.NewMCPClientWithTransport(address, headers, transport))
			tools := good(client.ListTools(ctx)).Tools
			require(len(tools) > 0, "there are no tools")
			echoed := good(client.CallTool(ctx, "echo", object{"text": "Grüße"}))
			require(!echoed.IsError, "%v", echoed)
			content := objectOf(json.RawMessage(good(json.Marshal(echoed.Content[0]))))
			equal(content["text"], any("Grüße"))
			wrong := good(client.CallTool(ctx, "fail", object{"reason": "no luck"}))
			require(wrong.IsError, "%v", wrong)
			failed(client.CallTool(ctx, "none", nil))
			succeeded(client.Close())
		})
	}

	s.check("function: without a good credential there is no session", func(ctx context.Context) {
		headers["X-Blaxel-Authorization"] = "Bearer bl_wrong_key"
		failed(mcp.NewMCPClient(address, headers))
		good(s.client.Functions.Delete(ctx, name))
	})
}
