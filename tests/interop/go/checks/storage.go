package checks

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"

	blaxel "github.com/blaxel-ai/sdk-go"
	"github.com/blaxel-ai/sdk-go/option"
)

// volumeNamed returns the parameters of a new volume.
func volumeNamed(name string) blaxel.VolumeNewParams {
	return blaxel.VolumeNewParams{Volume: blaxel.VolumeParam{
		Metadata: blaxel.MetadataParam{Name: name},
		Spec:     blaxel.VolumeSpecParam{Region: blaxel.String(region)},
	}}
}

// driveNamed returns the parameters of a new drive.
func driveNamed(name string) blaxel.DriveNewParams {
	return blaxel.DriveNewParams{
		Metadata: blaxel.MetadataParam{Name: name},
		Spec:     blaxel.DriveSpecParam{Region: blaxel.String(region)},
	}
}

// storage checks volumes, their templates and drives. The SDK has a helper for volumes.
func (s *suite) storage() {
	s.volumeHelper()

	s.check("volume: the newest of an external id is found by it", func(ctx context.Context) {
		id := s.prefix + "-id"
		names := []string{s.prefix + "-first", s.prefix + "-second"}
		for _, name := range names {
			params := volumeNamed(name)
			params.Volume.Metadata.ExternalID = blaxel.String(id)
			good(s.client.Volumes.New(ctx, params))
		}
		equal(good(s.client.Volumes.GetByExternalID(ctx, id)).Metadata.Name, names[1])
		query := blaxel.VolumeListParams{ExternalID: blaxel.String(id)}
		found := good(s.client.Volumes.List(ctx, query)).Data
		equal(each(found, func(volume blaxel.VolumeListResponse) string {
			return volume.Metadata.Name
		}), reversed(names))
		for _, name := range names {
			good(s.client.Volumes.Delete(ctx, name))
		}
		refused(404, failed(s.client.Volumes.GetByExternalID(ctx, id)))
	})

	s.check("volume: one that a sandbox attaches says so, and stays", func(ctx context.Context) {
		name := s.prefix + "-attached"
		volume := good(s.client.Volumes.NewInstance(ctx, volumeNamed(name)))
		params := sandboxNamed(name)
		params.Sandbox.Spec.Volumes = []blaxel.VolumeAttachmentParam{
			{Name: blaxel.String(name), MountPath: blaxel.String("/data")},
		}
		sandbox := good(s.client.Sandboxes.NewInstance(ctx, params))
		equal(good(s.client.Volumes.Get(ctx, name)).State.AttachedTo, "sandbox:"+name)
		refused(409, volume.Delete(ctx))
		succeeded(sandbox.Delete(ctx))
		succeeded(volume.Delete(ctx))
	})

	s.check("drive: one is found by its external id", func(ctx context.Context) {
		name := s.prefix + "-drive"
		params := driveNamed(name)
		params.Metadata.ExternalID = blaxel.String(name + "-id")
		good(s.client.Drives.New(ctx, params))
		equal(good(s.client.Drives.GetByExternalID(ctx, name+"-id")).Metadata.Name, name)
		good(s.client.Drives.Delete(ctx, name))
		refused(404, failed(s.client.Drives.GetByExternalID(ctx, name+"-id")))
	})

	s.check("drive: a token is signed by a key that everybody may read", func(ctx context.Context) {
		name := s.prefix + "-token"
		good(s.client.Drives.New(ctx, driveNamed(name)))
		token := good(s.client.Drives.NewAccessToken(ctx, name))
		parts := strings.Split(token.AccessToken, ".")
		equal(len(parts), 3)
		var header struct{ Kid string }
		succeeded(json.Unmarshal(fromBase64(parts[0]), &header))
		var claims struct{ Iat, Exp float64 }
		succeeded(json.Unmarshal(fromBase64(parts[1]), &claims))
		equal(claims.Exp-claims.Iat, token.ExpiresIn)
		for _, key := range good(s.client.Drives.GetJwks(ctx)).Keys {
			if key := key.(object); key["kid"] == header.Kid {
				public := ed25519.PublicKey(fromBase64(key["x"].(string)))
				signed := []byte(parts[0] + "." + parts[1])
				require(ed25519.Verify(public, signed, fromBase64(parts[2])), "the signature is wrong")
				header.Kid = ""
			}
		}
		require(header.Kid == "", "there is no key %s", header.Kid)
		good(s.client.Drives.Delete(ctx, name))
		refused(404, failed(s.client.Drives.NewAccessToken(ctx, name)))
	})

	s.check("drive: it is mounted into two sandboxes, which share its files", func(ctx context.Context) {
		name := s.prefix + "-mounted"
		good(s.client.Drives.New(ctx, driveNamed(name)))
		var sandboxes []*blaxel.SandboxInstance
		for _, end := range []string{"-a", "-b"} {
			sandbox := good(s.client.Sandboxes.NewInstance(ctx, sandboxNamed(name+end)))
			sandboxes = append(sandboxes, sandbox)
			mounts := blaxel.NewDriveMountService(s.inside(sandbox)...)
			params := blaxel.DriveMountAttachParams{DriveName: name, MountPath: "/mnt/shared"}
			require(good(mounts.Attach(ctx, params)).Success, "it is not mounted")
			found := good(mounts.List(ctx)).Mounts
			equal(len(found), 1)
			equal(found[0].DriveName, name)
			equal(found[0].DrivePath, "/")
		}
		good(sandboxes[0].FS.Write(ctx, "/mnt/shared/one.txt", "one"))
		equal(good(sandboxes[1].FS.Read(ctx, "/mnt/shared/one.txt")), "one")
		for _, sandbox := range sandboxes {
			mounts := blaxel.NewDriveMountService(s.inside(sandbox)...)
			good(mounts.Detach(ctx, "mnt/shared"))
			equal(len(good(mounts.List(ctx)).Mounts), 0)
			succeeded(sandbox.Delete(ctx))
		}
		good(s.client.Drives.Delete(ctx, name))
	})

	s.check("volume template: a version comes with an upload", func(ctx context.Context) {
		name := s.prefix + "-template"
		versions := func(template *blaxel.VolumeTemplate) []string {
			return each(template.Versions, func(version blaxel.VolumeTemplateVersion) string {
				return version.Name + " " + string(version.Status)
			})
		}
		var answer *http.Response
		made := good(s.client.VolumeTemplates.New(ctx, blaxel.VolumeTemplateNewParams{
			VolumeTemplate: blaxel.VolumeTemplateParam{
				Metadata: blaxel.MetadataParam{Name: name},
				Spec:     blaxel.VolumeTemplateSpecParam{DefaultSize: blaxel.Int(1024)},
			},
			Upload:  blaxel.Bool(true),
			Version: blaxel.String("first"),
		}, option.WithResponseInto(&answer)))
		equal(versions(made), []string{"first CREATED"})
		upload(ctx, answer, "application/x-tar")
		found := good(s.client.VolumeTemplates.Get(ctx, name))
		equal(versions(found), []string{"first READY"})
		version := blaxel.VolumeTemplateDeleteVersionParams{VolumeTemplateName: name}
		good(s.client.VolumeTemplates.DeleteVersion(ctx, "first", version))
		good(s.client.VolumeTemplates.Delete(ctx, name))
	})
}

// volumeHelper checks the SDK's helper for volumes.
func (s *suite) volumeHelper() {
	name := s.prefix + "-volume"
	helper := &s.client.Volumes

	s.check("volume helper: create fills in what is missing", func(ctx context.Context) {
		params := volumeNamed(name)
		params.Volume.Metadata.Labels = map[string]string{"language": "go"}
		made := good(helper.NewInstance(ctx, params))
		equal([]string{made.Name(), made.DisplayName(), made.Region()}, []string{name, name, region})
		equal(made.Size(), 1024)
		equal(made.Status, "DEPLOYED")
		refused(409, failed(helper.NewInstance(ctx, params)))
		unnamed := good(helper.NewInstance(ctx, volumeNamed("")))
		require(regexp.MustCompile("^volume-[0-9a-f]{8}$").MatchString(unnamed.Name()), "%s", unnamed.Name())
		succeeded(unnamed.Delete(ctx))
	})

	s.check("volume helper: CreateInstanceIfNotExists gives the one that is there, or makes it", func(ctx context.Context) {
		there := good(helper.GetInstance(ctx, name))
		found := good(helper.CreateInstanceIfNotExists(ctx, volumeNamed(name)))
		equal(found.Metadata.CreatedAt, there.Metadata.CreatedAt)
		made := good(helper.CreateInstanceIfNotExists(ctx, volumeNamed(name+"-new")))
		equal(made.Name(), name+"-new")
		succeeded(helper.DeleteInstance(ctx, made.Name()))
		refused(404, failed(helper.GetInstance(ctx, made.Name())))
	})

	s.check("volume helper: list walks over page borders", func(ctx context.Context) {
		names := []string{name + "-list-c", name + "-list-a", name + "-list-b"}
		for _, name := range names {
			good(helper.NewInstance(ctx, volumeNamed(name)))
		}
		query := blaxel.VolumeListParams{
			Q:     blaxel.String(name + "-list-"),
			Limit: blaxel.Int(2),
			Sort:  blaxel.VolumeListParamsSortNameAsc,
		}
		first := good(helper.ListInstances(ctx, query))
		require(first.HasNextPage(), "%s", first.RawJSON())
		second := good(first.NextPage(ctx))
		equal(good(second.NextPage(ctx)), nil)
		found := slices.Concat(first.Data, second.Data)
		equal(each(found, (*blaxel.VolumeInstance).Name), slices.Sorted(slices.Values(names)))
		for _, volume := range found {
			succeeded(volume.Delete(ctx))
		}
		equal(len(good(helper.ListInstances(ctx, query)).Data), 0)
	})

	s.check("volume helper: metadata and size are changed", func(ctx context.Context) {
		renamed := good(helper.UpdateInstanceMetadata(ctx, name, blaxel.VolumeUpdateMetadataParams{
			DisplayName: "Another \U0001F9ED",
		}))
		equal(renamed.DisplayName(), "Another \U0001F9ED")
		equal(renamed.Metadata.Labels, map[string]string{"language": "go"})
		params := decoded[blaxel.VolumeParam](members(renamed))
		params.Spec.Size = blaxel.Int(4096)
		grown := good(renamed.Update(ctx, blaxel.VolumeUpdateParams{Volume: params}))
		equal(grown.Size(), 4096)
		equal(grown.DisplayName(), renamed.DisplayName())
		equal(grown.Metadata.CreatedAt, renamed.Metadata.CreatedAt)
	})

	s.check("volume helper: delete, by the name or the object", func(ctx context.Context) {
		volume := good(helper.GetInstance(ctx, name))
		succeeded(volume.Delete(ctx))
		refused(404, volume.Delete(ctx))
		refused(404, helper.DeleteInstance(ctx, name))
		refused(404, failed(helper.GetInstance(ctx, name)))
	})
}

func fromBase64(text string) []byte {
	return good(base64.RawURLEncoding.DecodeString(text))
}

// upload sends a file to where a response says.
func upload(ctx context.Context, answer *http.Response, contentType string) {
	header := http.Header{"Content-Type": {contentType}}
	url := answer.Header.Get("X-Blaxel-Upload-Url")
	response := send(ctx, http.MethodPut, url, header, make([]byte, 1024))
	text(response)
	equal(response.StatusCode, 200)
}
