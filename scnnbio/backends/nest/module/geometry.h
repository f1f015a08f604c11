// Where the kernel of a convolution leads, as scnnbio.geometry has it: output (o, y, x) receives
// input (c, y * stride + dy - padding, ...) through tap (o, c, dy, dx, lag), where c is counted within
// the group of o.
//
// An input counts once for each lag: input i at lag k is the afferent k * n_inputs + i.

#ifndef SCNNBIO_GEOMETRY_H
#define SCNNBIO_GEOMETRY_H

#include <algorithm>
#include <iterator>

#include "engine.h"

namespace scnnbio
{

class Geometry
{
public:
  Geometry() = default;

  // Fourteen numbers in the order of the fields below, and for each tap whether it connects anything.
  Geometry( const Integers& numbers, const Integers& present )
  {
    long* const fields[] = { &inputs_, &in_rows_, &in_columns_, &outputs_, &out_rows_, &out_columns_, &rows_,
      &columns_, &row_stride_, &column_stride_, &row_padding_, &column_padding_, &groups_, &lags_ };
    if ( numbers.size() != std::size( fields ) )
    {
      throw nest::BadProperty( "a geometry is fourteen numbers" );
    }
    for ( std::size_t i = 0; i < numbers.size(); ++i )
    {
      *fields[ i ] = numbers[ i ];
    }
    if ( groups_ < 1 or inputs_ % groups_ or outputs_ % groups_ or present.size() != n_taps() )
    {
      throw nest::BadProperty( "the kernel does not fit the geometry" );
    }
    present_.assign( present.begin(), present.end() );
    find_taps();
  }

  std::size_t
  n_pre() const
  {
    return lags_ * n_inputs();
  }

  std::size_t
  n_post() const
  {
    return outputs_ * out_rows_ * out_columns_;
  }

  std::size_t
  n_taps() const
  {
    return outputs_ * taps_of_output();
  }

  // Taps of one output channel, which lie together.
  std::size_t
  taps_of_output() const
  {
    return inputs_ / groups_ * rows_ * columns_ * lags_;
  }

  // Calls ``act( post, place )`` for each place of the kernel that leads away from an afferent; no
  // place and no output comes twice.
  template < typename Act >
  void
  forward( const std::size_t pre, Act act ) const
  {
    const long lag = pre / n_inputs();
    const long input = pre % n_inputs();
    const long c = input / ( in_rows_ * in_columns_ );
    const long below = input / in_columns_ % in_rows_ + row_padding_;
    const long right = input % in_columns_ + column_padding_;
    const long y_end = std::min( below / row_stride_ + 1, out_rows_ );
    const long x_end = std::min( right / column_stride_ + 1, out_columns_ );
    for ( long y = first( below, rows_, row_stride_ ); y < y_end; ++y )
    {
      const long row = c * rows_ + below - y * row_stride_;
      for ( long x = first( right, columns_, column_stride_ ); x < x_end; ++x )
      {
        const std::size_t list = ( row * columns_ + right - x * column_stride_ ) * lags_ + lag;
        const std::size_t spot = y * out_columns_ + x;
        for ( std::size_t i = begins_[ list ]; i < begins_[ list + 1 ]; ++i )
        {
          act( taps_[ i ].output + spot, taps_[ i ].place );
        }
      }
    }
  }

  // Calls ``act( pre, place )`` for each place of the kernel that leads to an output.
  template < typename Act >
  void
  backward( const std::size_t post, Act act ) const
  {
    const long o = post / ( out_rows_ * out_columns_ );
    const long top = post / out_columns_ % out_rows_ * row_stride_ - row_padding_;
    const long left = post % out_columns_ * column_stride_ - column_padding_;
    const long y_end = std::min( rows_, in_rows_ - top );
    const long x_end = std::min( columns_, in_columns_ - left );
    const long group = inputs_ / groups_;
    const long begin = o / ( outputs_ / groups_ ) * group;
    for ( long c = 0; c < group; ++c )
    {
      for ( long dy = std::max( 0L, -top ); dy < y_end; ++dy )
      {
        for ( long dx = std::max( 0L, -left ); dx < x_end; ++dx )
        {
          const std::size_t input = ( ( begin + c ) * in_rows_ + top + dy ) * in_columns_ + left + dx;
          const std::size_t place = place_of( o, c, dy, dx );
          for ( long lag = 0; lag < lags_; ++lag )
          {
            if ( present_[ place + lag ] )
            {
              act( lag * n_inputs() + input, place + lag );
            }
          }
        }
      }
    }
  }

private:
  // A tap that connects something: the first output of its map, and its place in the kernel.
  struct Tap
  {
    std::size_t output;
    std::size_t place;
  };

  std::size_t
  n_inputs() const
  {
    return inputs_ * in_rows_ * in_columns_;
  }

  // Of the first lag.
  std::size_t
  place_of( long o, long c, long dy, long dx ) const
  {
    return ( ( ( o * ( inputs_ / groups_ ) + c ) * rows_ + dy ) * columns_ + dx ) * lags_;
  }

  // First output whose last tap reaches as far as the input.
  static long
  first( long input, long taps, long stride )
  {
    return std::max( 0L, ( input - taps + stride ) / stride );
  }

  void
  find_taps()
  {
    const long group = inputs_ / groups_;
    const long outputs = outputs_ / groups_;
    begins_.assign( 1, 0 );
    for ( long c = 0; c < inputs_; ++c )
    {
      for ( long spot = 0; spot < rows_ * columns_ * lags_; ++spot )
      {
        for ( long o = c / group * outputs; o < ( c / group + 1 ) * outputs; ++o )
        {
          const std::size_t place = place_of( o, c % group, 0, 0 ) + spot;
          if ( present_[ place ] )
          {
            taps_.push_back( { static_cast< std::size_t >( o * out_rows_ * out_columns_ ), place } );
          }
        }
        begins_.push_back( taps_.size() );
      }
    }
  }

  long inputs_ = 0, in_rows_ = 0, in_columns_ = 0;
  long outputs_ = 0, out_rows_ = 0, out_columns_ = 0;
  long rows_ = 0, columns_ = 0;
  long row_stride_ = 1, column_stride_ = 1;
  long row_padding_ = 0, column_padding_ = 0;
  long groups_ = 1, lags_ = 1;
  std::vector< char > present_;
  // Taps by (input channel, row, column, lag): those of list k are taps_[begins_[k]] to [begins_[k + 1]].
  std::vector< Tap > taps_;
  std::vector< std::size_t > begins_;
};

}

#endif
