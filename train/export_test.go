package train

import "github.com/hadal-ml/hadal/internal/mem"

// poolHeld is what tensors and kernels own while no step runs.
func poolHeld() int { return mem.Default.Held() + mem.IdleArenas() }
