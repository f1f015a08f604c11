// A shared kernel that changes by a rule on traces: scnnbio.plasticity.TraceRule.

#ifndef SCNNBIO_LEARNING_KERNEL_H
#define SCNNBIO_LEARNING_KERNEL_H

#include <array>
#include <cmath>

#include "arithmetic.h"
#include "shared_kernel.h"

namespace scnnbio
{

// Traces of all neurons on one side: those of neuron i are values[i * N] and the N - 1 after it.
template < std::size_t N >
class Traces
{
public:
  void
  resize( std::size_t neurons )
  {
    values_.resize( neurons * N, 0.0 );
  }

  void
  restart()
  {
    std::fill( values_.begin(), values_.end(), 0.0 );
  }

  void
  decay( const Numbers& keep )
  {
    for ( std::size_t i = 0; i < values_.size(); i += N )
    {
      for ( std::size_t k = 0; k < N; ++k )
      {
        // Without the cut, a trace ends in denormal numbers, which are slow.
        double& value = values_[ i + k ];
        value = value > 1e-300 ? value * keep[ k ] : 0.0;
      }
    }
  }

  void
  jump( std::size_t neuron, const std::array< bool, N >& nearest )
  {
    for ( std::size_t k = 0; k < N; ++k )
    {
      double& value = values_[ neuron * N + k ];
      value = nearest[ k ] ? 1.0 : value + 1.0;
    }
  }

  const double*
  of( std::size_t neuron ) const
  {
    return values_.data() + neuron * N;
  }

private:
  Numbers values_;
};

// Rule: how many traces there are on each side, which of them count the nearest spike only, whether
// an arrival and a postsynaptic spike change a weight w, and what they then add to it, from
// constants c, presynaptic traces x and postsynaptic traces y. If it is rewarded, they add to the
// weight's eligibility.
template < typename Rule >
class LearningKernel : public SharedKernel
{
public:
  void
  set_status( const Dictionary& d ) override
  {
    SharedKernel::set_status( d );
    x_.resize( geometry_.n_pre() );
    y_.resize( geometry_.n_post() );
    d.update_value( "constants", constants_ );
    d.update_value( "keep_pre", keep_pre_ );
    d.update_value( "keep_post", keep_post_ );
    d.update_value( "keep_rate", keep_rate_ );
    d.update_value( "grow_every", grow_every_ );
    d.update_value( "grow_factor", grow_factor_ );
    d.update_value( "grow_limit", grow_limit_ );
    d.update_value( "w_min", w_min_ );
    d.update_value( "w_max", w_max_ );
    d.update_value( "norm_every", norm_every_ );
    d.update_value( "norm_power", norm_power_ );
    d.update_value( "norm_target", norm_target_ );
    if ( d.update_value( "reward_values", reward_values_ ) )
    {
      set_signals( reward_values_.size() );
      eligible_.assign( kernel_.size(), 0.0 );
    }
    d.update_value( "keep_reward", keep_reward_ );
    d.update_value( "keep_eligible", keep_eligible_ );
    d.update_value( "forgets", forgets_ );
  }

protected:
  bool
  learns() const override
  {
    return true;
  }

  void
  restart() override
  {
    x_.restart();
    y_.restart();
    reward_ = 0.0;
    std::fill( eligible_.begin(), eligible_.end(), 0.0 );
  }

  // scnnbio.plasticity.Reward: the neurons whose spikes of reward arrive.
  void
  signal( const Units& arrived ) override
  {
    if constexpr ( Rule::is_rewarded )
    {
      arrived_ = arrived;
    }
  }

  void
  advance( const Units& arrived, long step ) override
  {
    x_.decay( keep_pre_ );
    y_.decay( keep_post_ );
    rate_ *= keep_rate_;
    if ( grow_every_ > 0 and step > 1 and ( step - 1 ) % grow_every_ == 0 )
    {
      rate_ = std::min( rate_ * grow_factor_, grow_limit_ );
    }
    if constexpr ( Rule::is_rewarded )
    {
      take_reward();
    }
    for ( const std::size_t pre : arrived )
    {
      geometry_.forward( pre,
        [ this, pre ]( std::size_t post, std::size_t place )
        {
          double& w = kernel_[ place ];
          deliver( post, weight_ * w );
          if constexpr ( Rule::acts_on_pre )
          {
            change( w, place, Rule::on_pre( w, constants_.data(), x_.of( pre ), y_.of( post ) ) );
          }
        } );
      x_.jump( pre, Rule::pre_nearest );
    }
  }

  void
  learn( const Units& fired ) override
  {
    for ( const std::size_t post : fired )
    {
      if constexpr ( Rule::acts_on_post )
      {
        geometry_.backward( post,
          [ this, post ]( std::size_t pre, std::size_t place )
          {
            double& w = kernel_[ place ];
            change( w, place, Rule::on_post( w, constants_.data(), x_.of( pre ), y_.of( post ) ) );
          } );
      }
      y_.jump( post, Rule::post_nearest );
    }
  }

  // scnnbio.plasticity.Normalisation.
  void
  finish( const long step ) override
  {
    if ( norm_every_ == 0 or step % norm_every_ != 0 )
    {
      return;
    }
    const std::size_t size = geometry_.taps_of_output();
    for ( auto begin = kernel_.begin(); begin != kernel_.end(); begin += size )
    {
      double sum = 0.0;
      std::for_each(
        begin, begin + size, [ & ]( double w ) { sum += norm_power_ == 1 ? std::abs( w ) : w * w; } );
      const double norm = norm_power_ == 1 ? sum : std::sqrt( sum );
      if ( norm > 0.0 )
      {
        const double factor = norm_target_ / norm;
        std::for_each( begin, begin + size, [ & ]( double& w ) { w = cut( w * factor ); } );
      }
    }
  }

private:
  double
  cut( double w ) const
  {
    return std::min( std::max( w, w_min_ ), w_max_ );
  }

  void
  change( double& w, std::size_t place, double step )
  {
    if constexpr ( Rule::is_rewarded )
    {
      eligible_[ place ] += step;
    }
    else
    {
      w = cut( w + rate_ * step );
    }
  }

  // Eligibility and reward decay, and what arrives of the reward moves all weights.
  void
  take_reward()
  {
    reward_ *= keep_reward_;
    for ( const std::size_t unit : arrived_ )
    {
      reward_ += reward_values_[ unit ];
    }
    for ( std::size_t place = 0; place < eligible_.size(); ++place )
    {
      double& value = eligible_[ place ];
      // Without the cut, it ends in denormal numbers, which are slow.
      value = std::abs( value ) > 1e-30 ? value * keep_eligible_ : 0.0;
      kernel_[ place ] = cut( kernel_[ place ] + rate_ * reward_ * value );
      if ( forgets_ )
      {
        value = 0.0;
      }
    }
  }

  Traces< Rule::n_pre > x_;
  Traces< Rule::n_post > y_;
  Numbers constants_;
  Numbers keep_pre_;
  Numbers keep_post_;
  double keep_rate_ = 1.0;
  // Steps between two of the rate's, which grows then; 0 if it does not.
  long grow_every_ = 0;
  double grow_factor_ = 1.0;
  double grow_limit_ = 1.0;
  double rate_ = 1.0;
  double w_min_ = 0.0;
  double w_max_ = 1.0;
  long norm_every_ = 0;
  long norm_power_ = 1;
  double norm_target_ = 1.0;
  // What a spike of each neuron adds to the reward; empty without one.
  Numbers reward_values_;
  double keep_reward_ = 0.0;
  double keep_eligible_ = 1.0;
  bool forgets_ = true;
  double reward_ = 0.0;
  Numbers eligible_;
  Units arrived_;
};

// Functions that expressions may call and that C++ does not have.
inline double
clip( double value, double least, double most )
{
  return std::min( std::max( value, least ), most );
}

inline double
exprel( double value )
{
  return std::abs( value ) < 1e-16 ? 1.0 : std::expm1( value ) / value;
}

}

#endif
