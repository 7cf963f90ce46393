package train

import "github.com/hadal-ml/hadal/internal/mem"

func poolHeld() int { return mem.Default.Held() }
