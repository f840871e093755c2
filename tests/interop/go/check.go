// Check tests a running emulator with the official Go SDK. See ../README.md.
//
// Required environment variables: BL_API_URL, BL_RUN_URL, BL_WORKSPACE, BL_API_KEY and
// BL_CLIENT_CREDENTIALS (base64 of `id:secret`), and HOME, a writable directory.
package main

import (
	"fmt"
	"os"

	"interop/check/checks"
)

func main() {
	passed, failed := checks.Run()
	fmt.Printf("%d passed, %d failed\n", passed, failed)
	if passed == 0 || failed > 0 {
		os.Exit(1)
	}
}
