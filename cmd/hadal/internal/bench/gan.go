package bench

import (
	"github.com/hadal-ml/hadal/nn"
	"github.com/hadal-ml/hadal/optim"
	"github.com/hadal-ml/hadal/tensor"
)

// The networks of DCGAN (Radford et al., arXiv 1511.06434) for images of 28x28.

func generator(init *nn.Init) nn.Module {
	return nn.Sequential{
		nn.NewConvTranspose2d(init, 100, 128, 7, nn.NoBias()), nn.NewBatchNorm2d(128), nn.ReLU{},
		nn.NewConvTranspose2d(init, 128, 64, 4, nn.Stride(2), nn.Padding(1), nn.NoBias()), nn.NewBatchNorm2d(64), nn.ReLU{},
		nn.NewConvTranspose2d(init, 64, 1, 4, nn.Stride(2), nn.Padding(1)), nn.Tanh{},
	}
}

func discriminator(init *nn.Init) nn.Module {
	return nn.Sequential{
		nn.NewConv2d(init, 1, 64, 4, nn.Stride(2), nn.Padding(1)), nn.LeakyReLU{Slope: 0.2},
		nn.NewConv2d(init, 64, 128, 4, nn.Stride(2), nn.Padding(1), nn.NoBias()), nn.NewBatchNorm2d(128), nn.LeakyReLU{Slope: 0.2},
		nn.Flatten{}, nn.NewLinear(init, 128*49, 1),
	}
}

// dcgan is one step of the discriminator and one of the generator. As in the
// peer, the second computes gradients of the discriminator too, and forgets them.
func dcgan(batch int) (func(), float64) {
	init, r := nn.NewInit(seed), tensor.NewRand(seed)
	g, d := generator(init), discriminator(init)
	a := optim.Adam(2e-4).Betas(0.5, 0.999)
	og, od := optim.New(a, nn.Parameters(g)), optim.New(a, nn.Parameters(d))
	real, z := r.Normal(0, 1, batch, 1, 28, 28), r.Normal(0, 1, batch, 100, 1, 1)
	one, zero := tensor.Ones(batch, 1), tensor.Zeros(batch, 1)
	scope, n := casting(tensor.NewScope()), uint64(0)
	return func() {
		n++
		c := nn.Training(n)
		fake := g.Forward(c, scope.View(z))
		nn.BCEWithLogits(d.Forward(c, scope.View(real)), one).Add(nn.BCEWithLogits(d.Forward(c, fake.Detach()), zero)).Backward()
		od.Step()
		nn.BCEWithLogits(d.Forward(c, fake), one).BackwardOnce()
		og.Step()
		for _, p := range nn.Parameters(d) {
			p.ClearGrad()
		}
		scope.Release()
	}, 0
}
